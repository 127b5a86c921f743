"""Pays from a wallet at one ASE to a wallet at another: plain HTTP, and `cryptography` for Ed25519."""

import base64
import hashlib
import http.client
import json
import os
import secrets
import ssl
import time
import urllib.parse

from cryptography.hazmat.primitives.serialization import load_pem_private_key

VALUE = "500"  # What the receiver asks for, in minor units of its asset.
DEFAULT_WAIT = 5  # Seconds between continuations if the server does not say (RFC 9635 §5).

CLIENT = os.environ["TOUCHSTONE_CLIENT"]
KEY_ID = os.environ["TOUCHSTONE_KEY_ID"]
KEY = load_pem_private_key(os.environ["TOUCHSTONE_PRIVATE_KEY"].encode(), password=None)


def main():
    # The payer, the payee and the servers of each.
    sender = request("GET", os.environ["TOUCHSTONE_WALLET_ADDRESS"])
    receiver = request("GET", os.environ["TOUCHSTONE_RECEIVER"])

    # The payee requests the money. This and the quote need no consent, so the token is issued at once.
    access = {"type": "incoming-payment", "actions": ["create", "read"]}
    incoming_token = request_grant(receiver["authServer"], access)["access_token"]["value"]
    amount = {"value": VALUE, "assetCode": receiver["assetCode"], "assetScale": receiver["assetScale"]}
    incoming = create(receiver, "incoming-payments", incoming_token, {"incomingAmount": amount})
    quote_token = request_grant(sender["authServer"], {"type": "quote", "actions": ["create"]})["access_token"]["value"]
    quote = create(sender, "quotes", quote_token, {"receiver": incoming["id"], "method": "ilp"})

    # The owner of the sending wallet consents to exactly this amount.
    limits = {"debitAmount": quote["debitAmount"]}
    actions = ["create", "read"]
    access = {"type": "outgoing-payment", "actions": actions, "identifier": sender["id"], "limits": limits}
    token = ask_consent(sender["authServer"], access)
    payment = create(sender, "outgoing-payments", token["value"], {"quoteId": quote["id"]})

    # Wait for the money to arrive.
    for _ in range(100):
        received = request("GET", incoming["id"], token=incoming_token)
        if received["completed"]:
            break
        time.sleep(0.1)
    else:
        raise SystemExit("the money did not arrive")

    # A rotated token replaces the one before it.
    token = request("POST", token["manage"], token=token["value"])["access_token"]
    paid = request("GET", payment["id"], token=token["value"])
    amounts = {"quoted": quote["debitAmount"], "sent": paid["sentAmount"], "received": received["receivedAmount"]}
    for label, shown in amounts.items():
        print(f"{label:<9} {shown['value']} {shown['assetCode']}")


def create(wallet, collection, token, body):
    """Creates a resource at the resource server of a wallet."""
    url = f"{wallet['resourceServer'].rstrip('/')}/{collection}"
    return request("POST", url, token=token, body={"walletAddress": wallet["id"], **body})


def request_grant(auth_server, access, **rest):
    body = {"access_token": {"access": [access]}, "client": {"walletAddress": CLIENT}, **rest}
    return request("POST", auth_server, body=body)


def ask_consent(auth_server, access):
    """Interaction, finish hash and continuation. Returns the access token."""
    finish = {"method": "redirect", "uri": "http://127.0.0.1:1/finish", "nonce": secrets.token_urlsafe(16)}
    pending = request_grant(auth_server, access, interact={"start": ["redirect"], "finish": finish})
    returned = urllib.parse.parse_qs(urllib.parse.urlsplit(visit(pending["interact"]["redirect"])).query)
    [reference], [returned_hash] = returned["interact_ref"], returned["hash"]

    # Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3).
    parts = [finish["nonce"], pending["interact"]["finish"], reference, auth_server]
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    padded, url_safe = base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if returned_hash not in (padded, url_safe):
        raise SystemExit("the finish hash is wrong: do not continue")

    body = {"interact_ref": reference}
    grant = pending
    while "access_token" not in grant:
        following = grant["continue"]
        time.sleep(following.get("wait", DEFAULT_WAIT))
        grant = request("POST", following["uri"], token=following["access_token"]["value"], body=body)
        body = None  # A reference is used once.
    return grant["access_token"]


def visit(url):
    """Where the browser of the owner ends. Consent is automatic here, so that one redirect leads back."""
    response, _ = send("GET", url, {"Accept": "text/html"})
    location = response.headers["Location"]
    if location is None:
        raise SystemExit(f"the server asks a person (status {response.status})")
    return location


def request(method, url, *, token=None, body=None):
    """Sends JSON and returns JSON. Whatever carries a token or content is signed (RFC 9421, RFC 9635 §7.3.1)."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"Accept": "application/json"}
    components = ["@method", "@target-uri"]
    if token is not None:
        headers["Authorization"] = f"GNAP {token}"
        components.append("authorization")
    if content is not None:
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(content))
        headers["Content-Digest"] = f"sha-512=:{digest}:"
        components += ["content-digest", "content-length", "content-type"]
    if len(components) > 2:
        sign(method, url, headers, components)
    response, text = send(method, url, headers, content)
    if response.status >= 300:
        raise SystemExit(f"{method} {url} answered {response.status}: {text.decode()}")
    return json.loads(text) if text else None


def sign(method, url, headers, components):
    names = " ".join(f'"{name}"' for name in components)
    nonce = secrets.token_urlsafe(16)
    parameters = f'({names});created={int(time.time())};keyid="{KEY_ID}";nonce="{nonce}";tag="gnap"'
    values = {"@method": method, "@target-uri": url, **{name.lower(): value for name, value in headers.items()}}
    lines = [f'"{name}": {values[name]}' for name in components]
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    headers["Signature-Input"] = f"sig1={parameters}"
    headers["Signature"] = f"sig1=:{base64.b64encode(KEY.sign(base.encode())).decode()}:"


def send(method, url, headers, content=None):
    """One request, without following redirects."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=os.environ.get("TOUCHSTONE_CA"))
        connection = http.client.HTTPSConnection(parts.netloc, timeout=30, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request(method, target, body=content, headers=headers)
    response = connection.getresponse()
    return response, response.read()


main()
