<?php
/** Pays from a wallet at one ASE to a wallet at another: plain HTTP with curl, and sodium for Ed25519. */

declare(strict_types=1);

/** What the receiver asks for, in minor units of its asset. */
const VALUE = '500';
/** Seconds between continuations if the server does not say (RFC 9635 §5). */
const DEFAULT_WAIT = 5;

// The payer, the payee and the servers of each.
$sender = request('GET', variable('WALLET_ADDRESS'));
$receiver = request('GET', variable('RECEIVER'));

// The payee requests the money. This and the quote need no consent, so the token is issued at once.
$access = ['type' => 'incoming-payment', 'actions' => ['create', 'read']];
$incomingToken = requestGrant($receiver['authServer'], $access)['access_token']['value'];
$amount = ['value' => VALUE, 'assetCode' => $receiver['assetCode'], 'assetScale' => $receiver['assetScale']];
$incoming = create($receiver, 'incoming-payments', $incomingToken, ['incomingAmount' => $amount]);
$access = ['type' => 'quote', 'actions' => ['create']];
$quoteToken = requestGrant($sender['authServer'], $access)['access_token']['value'];
$quote = create($sender, 'quotes', $quoteToken, ['receiver' => $incoming['id'], 'method' => 'ilp']);

// The owner of the sending wallet consents to exactly this amount.
$token = askConsent($sender['authServer'], [
    'type' => 'outgoing-payment',
    'actions' => ['create', 'read'],
    'identifier' => $sender['id'],
    'limits' => ['debitAmount' => $quote['debitAmount']],
]);
$payment = create($sender, 'outgoing-payments', $token['value'], ['quoteId' => $quote['id']]);

// Wait for the money to arrive.
$received = $incoming;
for ($tries = 0; !$received['completed']; $tries++) {
    if ($tries === 100) throw new RuntimeException('the money did not arrive');
    usleep(100_000);
    $received = request('GET', $incoming['id'], $incomingToken);
}

// A rotated token replaces the one before it.
$token = request('POST', $token['manage'], $token['value'])['access_token'];
$paid = request('GET', $payment['id'], $token['value']);
show('quoted', $quote['debitAmount']);
show('sent', $paid['sentAmount']);
show('received', $received['receivedAmount']);

function show(string $label, array $amount): void
{
    printf("%-9s %s %s\n", $label, $amount['value'], $amount['assetCode']);
}

/** Creates a resource at the resource server of a wallet. */
function create(array $wallet, string $collection, string $token, array $body): array
{
    $url = rtrim($wallet['resourceServer'], '/') . "/$collection";
    return request('POST', $url, $token, ['walletAddress' => $wallet['id'], ...$body]);
}

function requestGrant(string $authServer, array $access, array $rest = []): array
{
    $client = ['walletAddress' => variable('CLIENT')];
    $body = ['access_token' => ['access' => [$access]], 'client' => $client, ...$rest];
    return request('POST', $authServer, null, $body);
}

/** Interaction, finish hash and continuation. Returns the access token. */
function askConsent(string $authServer, array $access): array
{
    $finish = ['method' => 'redirect', 'uri' => 'http://127.0.0.1:1/finish', 'nonce' => randomText()];
    $grant = requestGrant($authServer, $access, ['interact' => ['start' => ['redirect'], 'finish' => $finish]]);
    parse_str(parse_url(visit($grant['interact']['redirect']), PHP_URL_QUERY), $returned);

    // Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3).
    $parts = [$finish['nonce'], $grant['interact']['finish'], $returned['interact_ref'], $authServer];
    $digest = hash('sha256', implode("\n", $parts), true);
    $urlSafe = sodium_bin2base64($digest, SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING);
    if (!in_array($returned['hash'], [base64_encode($digest), $urlSafe], true)) {
        throw new RuntimeException('the finish hash is wrong: do not continue');
    }

    $body = ['interact_ref' => $returned['interact_ref']];
    while (!isset($grant['access_token'])) {
        ['uri' => $uri, 'access_token' => $continuation] = $grant['continue'];
        sleep($grant['continue']['wait'] ?? DEFAULT_WAIT);
        $grant = request('POST', $uri, $continuation['value'], $body);
        $body = null; // A reference is used once.
    }
    return $grant['access_token'];
}

/** Where the browser of the owner ends. Consent is automatic here, so that one redirect leads back. */
function visit(string $url): string
{
    [$status, , $location] = send('GET', $url, ['accept' => 'text/html'], null);
    if ($location === '') throw new RuntimeException("the server asks a person (status $status)");
    return $location;
}

/** Sends JSON and returns JSON. Whatever carries a token or content is signed (RFC 9421, RFC 9635 §7.3.1). */
function request(string $method, string $url, ?string $token = null, ?array $body = null): array
{
    $content = $body === null ? null : json_encode($body, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
    $fields = ['accept' => 'application/json'];
    $components = ['@method', '@target-uri'];
    if ($token !== null) {
        $fields['authorization'] = "GNAP $token";
        $components[] = 'authorization';
    }
    if ($content !== null) {
        $fields['content-type'] = 'application/json';
        $fields['content-length'] = (string) strlen($content);
        $fields['content-digest'] = 'sha-512=:' . base64_encode(hash('sha512', $content, true)) . ':';
        array_push($components, 'content-digest', 'content-length', 'content-type');
    }
    if (count($components) > 2) $fields += sign($method, $url, $fields, $components);
    [$status, $text] = send($method, $url, $fields, $content);
    if ($status >= 300) throw new RuntimeException("$method $url answered $status: $text");
    return $text === '' ? [] : json_decode($text, true, flags: JSON_THROW_ON_ERROR);
}

/** The two fields of a signature. */
function sign(string $method, string $url, array $fields, array $components): array
{
    $names = implode(' ', array_map(fn ($name) => "\"$name\"", $components));
    $parameters = "($names);created=" . time() . sprintf(';keyid="%s";nonce="%s";tag="gnap"', variable('KEY_ID'), randomText());
    $values = ['@method' => $method, '@target-uri' => $url, ...$fields, '@signature-params' => $parameters];
    $components[] = '@signature-params';
    $base = implode("\n", array_map(fn ($name) => "\"$name\": {$values[$name]}", $components));
    // The seed is at the end of the PKCS #8 structure.
    $encoded = preg_replace('/-----[A-Z ]+-----|\s/', '', variable('PRIVATE_KEY'));
    $pair = sodium_crypto_sign_seed_keypair(substr(base64_decode($encoded), -32));
    $signature = sodium_crypto_sign_detached($base, sodium_crypto_sign_secretkey($pair));
    return ['signature-input' => "sig1=$parameters", 'signature' => 'sig1=:' . base64_encode($signature) . ':'];
}

/** Status, content and `Location` of the answer. Redirects are not followed. */
function send(string $method, string $url, array $fields, ?string $content): array
{
    $handle = curl_init($url);
    curl_setopt_array($handle, [
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_HTTPHEADER => array_map(fn ($name) => "$name: $fields[$name]", array_keys($fields)),
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30,
    ]);
    if ($content !== null) curl_setopt($handle, CURLOPT_POSTFIELDS, $content);
    if (getenv('TOUCHSTONE_CA')) curl_setopt($handle, CURLOPT_CAINFO, getenv('TOUCHSTONE_CA'));
    $text = curl_exec($handle);
    if ($text === false) throw new RuntimeException(curl_error($handle));
    $location = (string) curl_getinfo($handle, CURLINFO_REDIRECT_URL);
    return [curl_getinfo($handle, CURLINFO_RESPONSE_CODE), $text, $location];
}

function randomText(): string
{
    return sodium_bin2base64(random_bytes(16), SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING);
}

function variable(string $name): string
{
    return getenv("TOUCHSTONE_$name") ?: throw new RuntimeException("TOUCHSTONE_$name is not set");
}
