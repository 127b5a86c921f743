"""A small Open Payments client: signs as RFC 9421 says, obtains consent, and keeps tokens and resources to send."""

import base64
import hashlib
import json
import os
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

TIMEOUT_S = 20
FINISH = "http://localhost:9/finish"
# Tokens and resources are made again after this time, well before they expire.
MAX_AGE_S = 240

session = requests.Session()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Identity:
    """A client and its key."""

    def __init__(self, key, key_id, client=None):
        self.key, self.key_id, self.client = key, key_id, client
        x = encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.jwk = {"kid": key_id, "alg": "EdDSA", "use": "sig", "kty": "OKP", "crv": "Ed25519", "x": x}


class Signed(requests.auth.AuthBase):
    """Signs the prepared request, so that the bytes that leave are those that are signed."""

    def __init__(self, identity, token=None):
        self.identity, self.token = identity, token

    def __call__(self, request):
        if self.token is not None:
            request.headers["Authorization"] = f"GNAP {self.token}"
        body = request.body.encode() if isinstance(request.body, str) else request.body
        names = ["@method", "@target-uri"] + (["authorization"] if "Authorization" in request.headers else [])
        if body:
            digest = base64.b64encode(hashlib.sha512(body).digest()).decode()
            request.headers["Content-Digest"] = f"sha-512=:{digest}:"
            names += ["content-digest", "content-length"]
            names += ["content-type"] if "Content-Type" in request.headers else []
        components = " ".join(f'"{name}"' for name in names)
        parameters = f'({components});created={int(time.time())};keyid="{self.identity.key_id}"'
        lines = [f'"{name}": {self.value(request, name)}' for name in names]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = self.identity.key.sign(base.encode("latin-1", "replace"))
        request.headers["Signature-Input"] = f"sig1={parameters}"
        request.headers["Signature"] = f"sig1=:{base64.b64encode(signature).decode()}:"
        return request

    @staticmethod
    def value(request, name):
        if name == "@method":
            return request.method
        if name == "@target-uri":
            return request.url
        value = request.headers[name]
        return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip()


def host_client(identity):
    """Serves a wallet address and its key set on the loopback address, for a client of our choice."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            document = {"id": identity.client, "publicName": "Second client", "assetCode": "USD", "assetScale": 2}
            servers = {"authServer": f"{identity.client}/auth", "resourceServer": identity.client}
            answer = {"keys": [identity.jwk]} if self.path.endswith("/jwks.json") else {**document, **servers}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    identity.client = f"http://127.0.0.1:{server.server_port}/second"
    return identity


def call(method, url, identity, token=None, body=None):
    headers = {"Accept": "application/json", **({} if body is None else {"Content-Type": "application/json"})}
    data = None if body is None else json.dumps(body)
    auth = Signed(identity, token)
    return session.request(
        method, url, data=data, headers=headers, auth=auth, allow_redirects=False, timeout=TIMEOUT_S
    )


def expect(response, status):
    assert response.status_code == status, f"{response.request.method} {response.url}: {response.text}"
    return response.json()


class World:
    """The wallet addresses of a target, and what two clients need to call it."""

    def __init__(self, variables=os.environ):
        key = load_pem_private_key(variables["TOUCHSTONE_PRIVATE_KEY"].encode(), None)
        self.first = Identity(key, variables["TOUCHSTONE_KEY_ID"], variables["TOUCHSTONE_CLIENT"])
        self.second = host_client(Identity(Ed25519PrivateKey.generate(), "second-key"))
        self.payer = self.read(variables["TOUCHSTONE_WALLET_ADDRESS"])
        self.payee = self.read(variables["TOUCHSTONE_RECEIVER"])
        self.kept = {}

    @staticmethod
    def read(url):
        return expect(session.get(url, headers={"Accept": "application/json"}, timeout=TIMEOUT_S), 200)

    def once(self, key, make):
        made, value = self.kept.get(key, (0, None))
        if value is None or time.time() - made > MAX_AGE_S:
            value = make()
            self.kept[key] = (time.time(), value)
        return value

    def request_grant(self, wallet, *types, identity=None):
        identity = identity or self.first
        actions = {
            "incoming-payment": ["create", "complete", "read", "list"],
            "quote": ["create", "read"],
            "outgoing-payment": ["create", "read", "list"],
        }
        named = {"incoming-payment", "outgoing-payment"}
        access = [
            {"type": name, "actions": actions[name], **({"identifier": wallet["id"]} if name in named else {})}
            for name in types
        ]
        body = {"client": identity.client, "access_token": {"access": access}}
        if "outgoing-payment" in types:
            finish = {"method": "redirect", "uri": FINISH, "nonce": str(uuid.uuid4())}
            body["interact"] = {"start": ["redirect"], "finish": finish}
        return expect(call("POST", wallet["authServer"], identity, body=body), 200)

    @staticmethod
    def consent(grant):
        """Follows the redirects of an owner who consents automatically, to the interaction reference."""
        url = grant["interact"]["redirect"]
        for _ in range(5):
            response = session.get(url, allow_redirects=False, timeout=TIMEOUT_S)
            url = urllib.parse.urljoin(url, response.headers["Location"])
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
            if "interact_ref" in query:
                return query["interact_ref"][0]
        raise AssertionError("the interaction does not end")

    def finished_grant(self, wallet, *types, identity=None):
        identity = identity or self.first
        grant = self.request_grant(wallet, *types, identity=identity)
        if "interact" not in grant:
            return grant
        reference = {"interact_ref": self.consent(grant)}
        token = grant["continue"]["access_token"]["value"]
        return expect(call("POST", grant["continue"]["uri"], identity, token, reference), 200)

    def token(self, wallet=None, identity=None):
        """A token with all rights of an owner."""
        wallet, identity = wallet or self.payer, identity or self.first
        types = ("incoming-payment", "quote", "outgoing-payment")
        make = lambda: self.finished_grant(wallet, *types, identity=identity)["access_token"]["value"]
        return self.once(("token", wallet["id"], identity.key_id), make)

    @staticmethod
    def amount(wallet, value):
        return {"value": str(value), "assetCode": wallet["assetCode"], "assetScale": wallet["assetScale"]}

    def create(self, wallet, collection, body):
        url = f"{wallet['resourceServer']}/{collection}"
        return expect(call("POST", url, self.first, self.token(wallet), {"walletAddress": wallet["id"], **body}), 201)

    def incoming_payment(self, wallet, value=None):
        amount = {} if value is None else {"incomingAmount": self.amount(wallet, value)}
        return self.create(wallet, "incoming-payments", amount)

    def receiver(self, value=None):
        """The URL of an incoming payment of the payee, with or without an amount."""
        return self.once(("receiver", value), lambda: self.incoming_payment(self.payee, value))["id"]

    def quote(self):
        body = {"receiver": self.receiver(), "method": "ilp", "debitAmount": self.amount(self.payer, 10)}
        return self.create(self.payer, "quotes", body)

    def outgoing_payment(self):
        return self.create(self.payer, "outgoing-payments", {"quoteId": self.quote()["id"]})
