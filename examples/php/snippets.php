<?php
/** Runs the official PHP snippets in the order of a payment, in a checkout of them: see README.md. */

$wallet = getenv('TOUCHSTONE_CLIENT');
$authority = getenv('TOUCHSTONE_CA');
$settings = [
    'PRIVATE_KEY' => getenv('TOUCHSTONE_PRIVATE_KEY_BASE64'),
    'KEY_ID' => getenv('TOUCHSTONE_KEY_ID'),
    'WALLET_ADDRESS' => $wallet,
];
$lines = array_map(fn ($name) => "$name='{$settings[$name]}'\n", array_keys($settings));
file_put_contents('.env', implode('', $lines));

/** The snippets that violate a must, each with its reason. */
$refused = [
    'OP:fetch-quote-and-initialize-payment' => 'asks for a grant with both debitAmount and receiveAmount',
];
$counts = ['passed' => 0, 'failed' => 0, 'skipped' => 0];

/** Returns the output. Arguments that an earlier snippet should have printed are null if it failed. */
function run(string $snippet, ?string ...$arguments): string
{
    global $refused, $counts, $authority;
    if (in_array(null, $arguments, true)) {
        $counts['skipped'] += 1;
        echo "skipped $snippet\n";
        return '';
    }
    $command = implode(' ', array_map('escapeshellarg', [PHP_BINARY, '-d', "curl.cainfo=$authority", 'bin/console', $snippet, ...$arguments]));
    exec("$command 2>&1", $output, $code);
    $text = implode("\n", $output);
    $isAsExpected = ($code === 0) !== isset($refused[$snippet]);
    $counts[$isAsExpected ? 'passed' : 'failed'] += 1;
    $kind = $isAsExpected ? ($code === 0 ? 'passed ' : 'refused') : 'FAILED ';
    echo "$kind $snippet" . ($kind === 'refused' ? ": {$refused[$snippet]}" : '') . "\n";
    if (!$isAsExpected) echo "$text\n";
    return $code === 0 ? $text : '';
}

/** The last value that the output shows for the name. */
function read(string $output, string $name): ?string
{
    preg_match_all("/^$name *[:=]? *(\S+)$/m", $output, $matches);
    return $matches[1] ? end($matches[1]) : null;
}

/** Consents as the owner would in a browser; returns the finish URI with its interact_ref. */
function consent(string $output): ?string
{
    preg_match('/interact at the following URL: (\S+)/', $output, $matches);
    $url = $matches[1] ?? null;
    $origin = $url === null ? null : preg_replace('#^(https?://[^/]+).*#', '$1', $url);
    while ($url !== null && str_starts_with($url, $origin)) {
        $request = curl_init($url);
        curl_setopt($request, CURLOPT_RETURNTRANSFER, true);
        curl_setopt($request, CURLOPT_CAINFO, getenv('TOUCHSTONE_CA'));
        curl_exec($request);
        $url = curl_getinfo($request, CURLINFO_REDIRECT_URL) ?: null;
    }
    return $url;
}

run('wa:get', $wallet);
run('wa:get-keys', $wallet);

$grant = run('grant:ip');
$incomingToken = read($grant, 'INCOMING_PAYMENT_GRANT');
$incoming = read(run('ip:create', $incomingToken), 'INCOMING_PAYMENT_URL');
run('ip:get', $incomingToken, $incoming);
run('ip:list', $incomingToken);

$quoteToken = read(run('grant:quote'), 'QUOTE_ACCESS_TOKEN');
$quote = read(run('quote:create', $quoteToken, $incoming), 'QUOTE_URL');
$second = read(run('ip:create', $incomingToken), 'INCOMING_PAYMENT_URL');
run('quote:create-debit-amount', $quoteToken, $second);
run('quote:create-receive-amount', $quoteToken, $second);
run('quote:get', $quoteToken, $quote);

$pending = run('grant:op', $incoming);
$granted = run(
    'grant:continuation',
    read($pending, 'CONTINUE_ACCESS_TOKEN'),
    consent($pending),
    read($pending, 'CONTINUE_URI'),
);
$outgoingToken = read($granted, 'OUTGOING_PAYMENT_GRANT_ACCES_TOKEN');
$outgoing = read(run('op:create', $outgoingToken, $quote), 'OUTGOING_PAYMENT_URL');
run('op:get', $outgoingToken, $outgoing);
run('op:list', $outgoingToken);

$third = read(run('ip:create', $incomingToken), 'INCOMING_PAYMENT_URL');
$pending = run('grant:op', $third);
$granted = run(
    'grant:continuation',
    read($pending, 'CONTINUE_ACCESS_TOKEN'),
    consent($pending),
    read($pending, 'CONTINUE_URI'),
);
run('op:create:amount', read($granted, 'OUTGOING_PAYMENT_GRANT_ACCES_TOKEN'), $third);
run('ip:complete', $incomingToken, $second);

$manage = read($grant, 'INCOMING_PAYMENT_ACCESS_TOKEN_MANAGE_URL');
$rotated = run('token:rotate', $incomingToken, $manage);
run('token:revoke', read($rotated, 'ACCESS_TOKEN'), read($rotated, 'MANAGE_URL'));

$pending = run('grant:interval');
run('grant:cancel', read($pending, 'CONTINUE_ACCESS_TOKEN'), read($pending, 'CONTINUE_URI'));

$pending = run('OP:fetch-quote-and-initialize-payment');
run(
    'OP:finish-payment',
    read($pending, 'CONTINUE_ACCESS_TOKEN'),
    consent($pending),
    read($pending, 'CONTINUE_URI'),
    read($pending, 'QUOTE_URL'),
);

echo "{$counts['passed']} passed, {$counts['failed']} failed, {$counts['skipped']} skipped\n";
exit($counts['failed'] > 0 ? 1 : 0);
