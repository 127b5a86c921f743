import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Pays from a wallet at one ASE to a wallet at another: plain HTTP and the JDK alone. */
public class Pay {
    /** What the receiver asks for, in minor units of its asset. */
    static final String VALUE = "500";
    /** Seconds between continuations if the server does not say (RFC 9635 §5). */
    static final long DEFAULT_WAIT = 5;

    static final HttpClient HTTP = HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .build();

    public static void main(String[] arguments) throws Exception {
        // The payer, the payee and the servers of each.
        Json sender = request("GET", variable("WALLET_ADDRESS"), null, null);
        Json receiver = request("GET", variable("RECEIVER"), null, null);

        // The payee requests the money. This and the quote need no consent, so the token is issued at once.
        var access = Map.of("type", "incoming-payment", "actions", List.of("create", "read"));
        String incomingToken = requestGrant(receiver.text("authServer"), access, null).text("access_token", "value");
        var amount = Map.of(
            "value", VALUE,
            "assetCode", receiver.text("assetCode"),
            "assetScale", receiver.get("assetScale"));
        Json incoming = create(receiver, "incoming-payments", incomingToken, Map.of("incomingAmount", amount));
        access = Map.of("type", "quote", "actions", List.of("create"));
        String quoteToken = requestGrant(sender.text("authServer"), access, null).text("access_token", "value");
        Json quote = create(sender, "quotes", quoteToken, Map.of("receiver", incoming.text("id"), "method", "ilp"));

        // The owner of the sending wallet consents to exactly this amount.
        Json token = askConsent(sender.text("authServer"), Map.of(
            "type", "outgoing-payment",
            "actions", List.of("create", "read"),
            "identifier", sender.text("id"),
            "limits", Map.of("debitAmount", quote.get("debitAmount"))));
        Json payment = create(sender, "outgoing-payments", token.text("value"), Map.of("quoteId", quote.text("id")));

        // Wait for the money to arrive.
        Json received = incoming;
        for (int tries = 0; received.get("completed") != Boolean.TRUE; tries++) {
            if (tries == 100) throw new IllegalStateException("the money did not arrive");
            Thread.sleep(100);
            received = request("GET", incoming.text("id"), incomingToken, null);
        }

        // A rotated token replaces the one before it.
        Json rotated = request("POST", token.text("manage"), token.text("value"), null);
        Json paid = request("GET", payment.text("id"), rotated.text("access_token", "value"), null);
        print("quoted", quote, "debitAmount");
        print("sent", paid, "sentAmount");
        print("received", received, "receivedAmount");
    }

    static void print(String label, Json resource, String member) {
        System.out.printf("%-9s %s %s%n", label, resource.text(member, "value"), resource.text(member, "assetCode"));
    }

    /** Creates a resource at the resource server of a wallet. */
    static Json create(Json wallet, String collection, String token, Map<String, ?> members) throws Exception {
        var body = new LinkedHashMap<String, Object>(members);
        body.put("walletAddress", wallet.text("id"));
        String url = wallet.text("resourceServer").replaceAll("/$", "") + "/" + collection;
        return request("POST", url, token, body);
    }

    static Json requestGrant(String authServer, Map<String, ?> access, Map<String, ?> interact) throws Exception {
        var body = new LinkedHashMap<String, Object>();
        body.put("access_token", Map.of("access", List.of(access)));
        body.put("client", Map.of("walletAddress", variable("CLIENT")));
        if (interact != null) body.put("interact", interact);
        return request("POST", authServer, null, body);
    }

    /** Interaction, finish hash and continuation. Returns the access token. */
    static Json askConsent(String authServer, Map<String, ?> access) throws Exception {
        String nonce = randomText();
        var finish = Map.of("method", "redirect", "uri", "http://127.0.0.1:1/finish", "nonce", nonce);
        Json pending = requestGrant(authServer, access, Map.of("start", List.of("redirect"), "finish", finish));
        Map<String, String> returned = visit(pending.text("interact", "redirect"));

        // Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3).
        String reference = returned.get("interact_ref");
        String text = String.join("\n", nonce, pending.text("interact", "finish"), reference, authServer);
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        String padded = Base64.getEncoder().encodeToString(digest);
        String urlSafe = Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
        if (!List.of(padded, urlSafe).contains(returned.get("hash"))) {
            throw new SecurityException("the finish hash is wrong: do not continue");
        }

        Map<String, ?> body = Map.of("interact_ref", reference);
        Json grant = pending;
        while (grant.get("access_token") == null) {
            Object wait = grant.get("continue", "wait");
            Thread.sleep(1000 * (wait instanceof Long seconds ? seconds : DEFAULT_WAIT));
            String continuation = grant.text("continue", "access_token", "value");
            grant = request("POST", grant.text("continue", "uri"), continuation, body);
            // A reference is used once.
            body = null;
        }
        return new Json(grant.get("access_token"));
    }

    /** The query with which the owner's browser ends. Consent is automatic here, so that one redirect leads back. */
    static Map<String, String> visit(String url) throws Exception {
        var answer = HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString());
        String location = answer.headers().firstValue("location").orElse(null);
        if (location == null) throw new IllegalStateException("the server asks a person, status " + answer.statusCode());
        var query = new LinkedHashMap<String, String>();
        for (String pair : URI.create(location).getRawQuery().split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    /** Sends JSON and returns JSON. Whatever carries a token or content is signed (RFC 9421, RFC 9635 §7.3.1). */
    static Json request(String method, String url, String token, Map<String, ?> body) throws Exception {
        byte[] content = body == null ? new byte[0] : Json.write(body).getBytes(StandardCharsets.UTF_8);
        var fields = new LinkedHashMap<String, String>(Map.of("accept", "application/json"));
        var components = new ArrayList<>(List.of("@method", "@target-uri"));
        if (token != null) {
            fields.put("authorization", "GNAP " + token);
            components.add("authorization");
        }
        if (body != null) {
            byte[] digest = MessageDigest.getInstance("SHA-512").digest(content);
            fields.put("content-digest", "sha-512=:" + Base64.getEncoder().encodeToString(digest) + ":");
            fields.put("content-type", "application/json");
            components.addAll(List.of("content-digest", "content-length", "content-type"));
        }
        if (components.size() > 2) sign(method, url, content.length, fields, components);
        var message = HttpRequest.newBuilder(URI.create(url))
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(content));
        fields.forEach(message::header);
        HttpResponse<String> answer = HTTP.send(message.build(), BodyHandlers.ofString());
        if (answer.statusCode() >= 300) {
            throw new IllegalStateException(method + " " + url + ": " + answer.statusCode() + " " + answer.body());
        }
        return Json.read(answer.body());
    }

    static void sign(String method, String url, int length, Map<String, String> fields, List<String> components)
            throws Exception {
        String names = components.stream().map(name -> '"' + name + '"').collect(Collectors.joining(" "));
        String parameters = "(%s);created=%d;keyid=\"%s\";nonce=\"%s\";tag=\"gnap\""
            .formatted(names, Instant.now().getEpochSecond(), variable("KEY_ID"), randomText());
        var values = new LinkedHashMap<>(fields);
        // The HTTP library sends the length by itself.
        values.putAll(Map.of("@method", method, "@target-uri", url, "content-length", String.valueOf(length)));
        values.put("@signature-params", parameters);
        components.add("@signature-params");
        String base = components.stream().map(name -> "\"" + name + "\": " + values.get(name))
            .collect(Collectors.joining("\n"));
        Signature signer = Signature.getInstance("Ed25519");
        signer.initSign(privateKey());
        signer.update(base.getBytes(StandardCharsets.UTF_8));
        fields.put("signature-input", "sig1=" + parameters);
        fields.put("signature", "sig1=:" + Base64.getEncoder().encodeToString(signer.sign()) + ":");
    }

    static PrivateKey privateKey() throws Exception {
        String encoded = variable("PRIVATE_KEY").replaceAll("-----[A-Z ]+-----|\\s", "");
        var specification = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(encoded));
        return KeyFactory.getInstance("Ed25519").generatePrivate(specification);
    }

    static String randomText() {
        byte[] bytes = new byte[16];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static String variable(String name) {
        String value = System.getenv("TOUCHSTONE_" + name);
        if (value == null) throw new IllegalStateException("TOUCHSTONE_" + name + " is not set");
        return value;
    }

    /** JSON, which the JDK cannot read. Use a library in a real client. */
    record Json(Object value) {
        Object get(String... path) {
            Object found = value;
            for (String name : path) found = found instanceof Map<?, ?> map ? map.get(name) : null;
            return found;
        }

        String text(String... path) {
            if (get(path) instanceof String text) return text;
            throw new IllegalStateException("the answer has no " + String.join(".", path));
        }

        static String write(Object value) {
            if (value instanceof Map<?, ?> map) {
                return map.entrySet().stream().map(entry -> write(entry.getKey()) + ":" + write(entry.getValue()))
                    .collect(Collectors.joining(",", "{", "}"));
            }
            if (value instanceof List<?> list) {
                return list.stream().map(Json::write).collect(Collectors.joining(",", "[", "]"));
            }
            if (value instanceof String text) return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
            return String.valueOf(value);
        }

        static Json read(String text) {
            return new Json(text.isBlank() ? null : new Reader(text).value());
        }
    }

    static class Reader {
        final String text;
        int at = 0;

        Reader(String text) {
            this.text = text;
        }

        Object value() {
            switch (peek()) {
                case '{':
                    var members = new LinkedHashMap<String, Object>();
                    for (next(); peek() != '}'; skip(',')) {
                        String name = string();
                        skip(':');
                        members.put(name, value());
                    }
                    next();
                    return members;
                case '[':
                    var items = new ArrayList<Object>();
                    for (next(); peek() != ']'; skip(',')) items.add(value());
                    next();
                    return items;
                case '"':
                    return string();
                default:
                    int start = at;
                    while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) at++;
                    return literal(text.substring(start, at));
            }
        }

        static Object literal(String word) {
            return switch (word) {
                case "true" -> Boolean.TRUE;
                case "false" -> Boolean.FALSE;
                case "null" -> null;
                default -> word.matches("-?\\d+") ? (Object) Long.valueOf(word) : Double.valueOf(word);
            };
        }

        String string() {
            var result = new StringBuilder();
            peek();
            for (at++; text.charAt(at) != '"'; at++) {
                char character = text.charAt(at);
                if (character == '\\') {
                    character = text.charAt(++at);
                    if (character == 'u') {
                        character = (char) Integer.parseInt(text.substring(at + 1, at + 5), 16);
                        at += 4;
                    } else if ("bfnrt".indexOf(character) >= 0) {
                        character = "\b\f\n\r\t".charAt("bfnrt".indexOf(character));
                    }
                }
                result.append(character);
            }
            at++;
            return result.toString();
        }

        char peek() {
            while (Character.isWhitespace(text.charAt(at))) at++;
            return text.charAt(at);
        }

        void next() {
            peek();
            at++;
        }

        void skip(char separator) {
            if (peek() == separator) at++;
        }
    }
}
