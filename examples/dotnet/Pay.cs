using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using NSec.Cryptography;

/// <summary>Pays from a wallet at one ASE to a wallet at another: plain HTTP, and NSec for Ed25519.</summary>
public static class Pay
{
    /// <summary>What the receiver asks for, in minor units of its asset.</summary>
    const string Value = "500";

    /// <summary>Seconds between continuations if the server does not say (RFC 9635 §5).</summary>
    const int DefaultWait = 5;

    static readonly HttpClient Http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });

    public static async Task Main()
    {
        // The payer, the payee and the servers of each.
        JsonNode sender = await Request("GET", Variable("WALLET_ADDRESS"));
        JsonNode receiver = await Request("GET", Variable("RECEIVER"));

        // The payee requests the money. This and the quote need no consent, so the token is issued at once.
        var access = new JsonObject { ["type"] = "incoming-payment", ["actions"] = new JsonArray("create", "read") };
        JsonNode grant = await RequestGrant(Text(receiver["authServer"]), access);
        string incomingToken = Text(grant["access_token"]["value"]);
        var amount = new JsonObject
        {
            ["value"] = Value,
            ["assetCode"] = Text(receiver["assetCode"]),
            ["assetScale"] = (int)receiver["assetScale"],
        };
        var body = new JsonObject { ["incomingAmount"] = amount };
        JsonNode incoming = await Create(receiver, "incoming-payments", incomingToken, body);

        access = new JsonObject { ["type"] = "quote", ["actions"] = new JsonArray("create") };
        grant = await RequestGrant(Text(sender["authServer"]), access);
        body = new JsonObject { ["receiver"] = Text(incoming["id"]), ["method"] = "ilp" };
        JsonNode quote = await Create(sender, "quotes", Text(grant["access_token"]["value"]), body);

        // The owner of the sending wallet consents to exactly this amount.
        access = new JsonObject
        {
            ["type"] = "outgoing-payment",
            ["actions"] = new JsonArray("create", "read"),
            ["identifier"] = Text(sender["id"]),
            ["limits"] = new JsonObject { ["debitAmount"] = JsonNode.Parse(quote["debitAmount"].ToJsonString()) },
        };
        JsonNode token = await AskConsent(Text(sender["authServer"]), access);
        body = new JsonObject { ["quoteId"] = Text(quote["id"]) };
        JsonNode payment = await Create(sender, "outgoing-payments", Text(token["value"]), body);

        // Wait for the money to arrive.
        JsonNode received = incoming;
        for (int tries = 0; !(bool)received["completed"]; tries++)
        {
            if (tries == 100) throw new InvalidOperationException("the money did not arrive");
            await Task.Delay(100);
            received = await Request("GET", Text(incoming["id"]), incomingToken);
        }

        // A rotated token replaces the one before it.
        JsonNode rotated = await Request("POST", Text(token["manage"]), Text(token["value"]));
        JsonNode paid = await Request("GET", Text(payment["id"]), Text(rotated["access_token"]["value"]));
        Print("quoted", quote["debitAmount"]);
        Print("sent", paid["sentAmount"]);
        Print("received", received["receivedAmount"]);
    }

    static void Print(string label, JsonNode amount)
    {
        Console.WriteLine($"{label,-9} {Text(amount["value"])} {Text(amount["assetCode"])}");
    }

    /// <summary>Creates a resource at the resource server of a wallet.</summary>
    static Task<JsonNode> Create(JsonNode wallet, string collection, string token, JsonObject body)
    {
        body["walletAddress"] = Text(wallet["id"]);
        return Request("POST", Text(wallet["resourceServer"]).TrimEnd('/') + "/" + collection, token, body);
    }

    static Task<JsonNode> RequestGrant(string authServer, JsonObject access, JsonObject interact = null)
    {
        var body = new JsonObject
        {
            ["access_token"] = new JsonObject { ["access"] = new JsonArray(access) },
            ["client"] = new JsonObject { ["walletAddress"] = Variable("CLIENT") },
        };
        if (interact != null) body["interact"] = interact;
        return Request("POST", authServer, null, body);
    }

    /// <summary>Interaction, finish hash and continuation. Returns the access token.</summary>
    static async Task<JsonNode> AskConsent(string authServer, JsonObject access)
    {
        string nonce = RandomText();
        var finish = new JsonObject
        {
            ["method"] = "redirect",
            ["uri"] = "http://127.0.0.1:1/finish",
            ["nonce"] = nonce,
        };
        var interact = new JsonObject { ["start"] = new JsonArray("redirect"), ["finish"] = finish };
        JsonNode grant = await RequestGrant(authServer, access, interact);
        Dictionary<string, string> returned = await Visit(Text(grant["interact"]["redirect"]));

        // Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3).
        string reference = returned["interact_ref"];
        string text = string.Join("\n", nonce, Text(grant["interact"]["finish"]), reference, authServer);
        byte[] digest;
        using (var sha256 = SHA256.Create()) digest = sha256.ComputeHash(Encoding.UTF8.GetBytes(text));
        if (returned["hash"] != Convert.ToBase64String(digest) && returned["hash"] != UrlSafe(digest))
        {
            throw new InvalidOperationException("the finish hash is wrong: do not continue");
        }

        var body = new JsonObject { ["interact_ref"] = reference };
        while (grant["access_token"] == null)
        {
            JsonNode next = grant["continue"];
            int wait = next["wait"] == null ? DefaultWait : (int)next["wait"];
            await Task.Delay(TimeSpan.FromSeconds(wait));
            grant = await Request("POST", Text(next["uri"]), Text(next["access_token"]["value"]), body);
            // A reference is used once.
            body = null;
        }
        return grant["access_token"];
    }

    /// <summary>
    /// The query with which the browser of the owner ends. Consent is automatic here, so that one redirect leads back.
    /// </summary>
    static async Task<Dictionary<string, string>> Visit(string url)
    {
        HttpResponseMessage answer = await Http.GetAsync(url);
        Uri location = answer.Headers.Location;
        if (location == null) throw new InvalidOperationException($"the server asks a person: {answer.StatusCode}");
        return location.Query.TrimStart('?').Split('&')
            .Select(pair => pair.Split(new[] { '=' }, 2))
            .ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));
    }

    /// <summary>
    /// Sends JSON and returns JSON. Whatever carries a token or content is signed (RFC 9421, RFC 9635 §7.3.1).
    /// </summary>
    static async Task<JsonNode> Request(string method, string url, string token = null, JsonObject body = null)
    {
        var message = new HttpRequestMessage(new HttpMethod(method), url);
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        // Names and values of the components that are signed.
        var components = new List<KeyValuePair<string, string>>
        {
            new KeyValuePair<string, string>("@method", method),
            // As it is sent. Uri.ToString() would decode some of it.
            new KeyValuePair<string, string>("@target-uri", message.RequestUri.AbsoluteUri),
        };
        if (token != null)
        {
            message.Headers.TryAddWithoutValidation("Authorization", "GNAP " + token);
            components.Add(new KeyValuePair<string, string>("authorization", "GNAP " + token));
        }
        if (body != null)
        {
            byte[] content = Encoding.UTF8.GetBytes(body.ToJsonString());
            string digest;
            using (var sha512 = SHA512.Create()) digest = Convert.ToBase64String(sha512.ComputeHash(content));
            message.Content = new ByteArrayContent(content);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            message.Content.Headers.TryAddWithoutValidation("Content-Digest", $"sha-512=:{digest}:");
            // The HTTP library sends the length by itself.
            components.Add(new KeyValuePair<string, string>("content-digest", $"sha-512=:{digest}:"));
            components.Add(new KeyValuePair<string, string>("content-length", content.Length.ToString()));
            components.Add(new KeyValuePair<string, string>("content-type", "application/json"));
        }
        if (components.Count > 2) Sign(message, components);

        HttpResponseMessage answer = await Http.SendAsync(message);
        string text = await answer.Content.ReadAsStringAsync();
        int status = (int)answer.StatusCode;
        if (status >= 300) throw new InvalidOperationException($"{method} {url} answered {status}: {text}");
        return text == "" ? null : JsonNode.Parse(text);
    }

    static void Sign(HttpRequestMessage message, List<KeyValuePair<string, string>> components)
    {
        string names = string.Join(" ", components.Select(component => $"\"{component.Key}\""));
        long created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string keyId = Variable("KEY_ID");
        string parameters = $"({names});created={created};keyid=\"{keyId}\";nonce=\"{RandomText()}\";tag=\"gnap\"";
        IEnumerable<string> lines = components.Select(component => $"\"{component.Key}\": {component.Value}\n");
        string signatureBase = string.Concat(lines) + $"\"@signature-params\": {parameters}";

        // The seed is at the end of the PKCS #8 structure.
        IEnumerable<string> encoded = Variable("PRIVATE_KEY").Split('\n').Where(line => !line.StartsWith("-----"));
        byte[] structure = Convert.FromBase64String(string.Concat(encoded));
        byte[] seed = structure.Skip(structure.Length - 32).ToArray();
        using (Key key = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey))
        {
            byte[] signature = SignatureAlgorithm.Ed25519.Sign(key, Encoding.UTF8.GetBytes(signatureBase));
            message.Headers.TryAddWithoutValidation("Signature-Input", "sig1=" + parameters);
            message.Headers.TryAddWithoutValidation("Signature", $"sig1=:{Convert.ToBase64String(signature)}:");
        }
    }

    static string RandomText()
    {
        var bytes = new byte[16];
        using (var generator = RandomNumberGenerator.Create()) generator.GetBytes(bytes);
        return UrlSafe(bytes);
    }

    static string UrlSafe(byte[] bytes) =>
        Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    static string Text(JsonNode node) => (string)node;

    static string Variable(string name)
    {
        string value = Environment.GetEnvironmentVariable("TOUCHSTONE_" + name);
        return value ?? throw new InvalidOperationException($"TOUCHSTONE_{name} is not set");
    }
}
