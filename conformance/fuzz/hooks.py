"""
Hooks of schemathesis. They put real identifiers, tokens and signatures where a generated value is valid, and leave
what is invalid as it is. A check of their own repeats successful requests as another client.
"""

import re
import time
import urllib.parse

import schemathesis
from gnap import FINISH, Signed, World, call
from hypothesis import strategies as st

world = World()
URI = re.compile(r'^[a-z][a-z0-9+.-]*:[^\s<>"{}|\\^`]+$', re.I)
RECEIVER = re.compile(r"^https?://(.+)/incoming-payments/(.+)$")
DATE = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d")
WHOLE = re.compile(r"0|[1-9]\d{0,19}")
# One amount in so many stays as it was generated.
KEPT = 7

schemathesis.openapi.format("uint64", st.integers(0, 2**64 - 1).map(str))
schemathesis.openapi.format("uri", st.uuids().map(lambda value: f"https://x.example/{value}"))

# Tokens of the URLs at which a grant continues or a token is managed, from answers.
tokens = {}


def is_uri(value):
    return isinstance(value, str) and URI.match(value) is not None


def operation_id(case):
    return case.operation.definition.raw.get("operationId")


def last_segment(url):
    return url.rstrip("/").rsplit("/", 1)[-1]


LINKS = [
    ("create-incoming-payment", "201", "get-incoming-payment", {"id": "$response.body#/id"}, None),
    ("create-incoming-payment", "201", "complete-incoming-payment", {"id": "$response.body#/id"}, None),
    ("complete-incoming-payment", "200", "get-incoming-payment", {"id": "$response.body#/id"}, None),
    ("create-quote", "201", "get-quote", {"id": "$response.body#/id"}, None),
    (
        "create-quote",
        "201",
        "create-outgoing-payment",
        None,
        {"walletAddress": "$response.body#/walletAddress", "quoteId": "$response.body#/id"},
    ),
    ("create-outgoing-payment", "201", "get-outgoing-payment", {"id": "$response.body#/id"}, None),
    ("create-outgoing-payment", "201", "get-outgoing-payment-grant", None, None),
    ("post-request", "200", "post-continue", {"id": "$response.body#/continue/uri"}, None),
    ("post-request", "200", "delete-continue", {"id": "$response.body#/continue/uri"}, None),
    ("post-request", "200", "post-token", {"id": "$response.body#/access_token/manage"}, None),
    ("post-request", "200", "delete-token", {"id": "$response.body#/access_token/manage"}, None),
    ("post-token", "200", "post-token", {"id": "$response.body#/access_token/manage"}, None),
    ("post-token", "200", "delete-token", {"id": "$response.body#/access_token/manage"}, None),
]


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Adds links, which the documents do not have, and removes the parameters of signatures, which are added later."""
    operations = {}
    for item in raw_schema["paths"].values():
        for operation in item.values():
            if not isinstance(operation, dict) or "operationId" not in operation:
                continue
            operations[operation["operationId"]] = operation
            parameters = operation.get("parameters", [])
            operation["parameters"] = [each for each in parameters if "signature" not in each.get("$ref", "").lower()]
    for source, status, target, parameters, body in LINKS:
        response = operations.get(source, {}).get("responses", {}).get(status)
        if response is None or target not in operations:
            continue
        link = {"operationId": target}
        if parameters is not None:
            link["parameters"] = parameters
        if body is not None:
            link["requestBody"] = body
        response.setdefault("links", {})[f"{source}-{target}"] = link


@schemathesis.auth(refresh_interval=None)
class Gnap:
    """Marks a case as authenticated. The token depends on the resource and is put in at the last moment."""

    MARK = "GNAP right"

    def get(self, case, context):
        return self.MARK

    def set(self, case, data, context):
        if case.operation.definition.raw.get("security") != []:
            case.headers = {**(case.headers or {}), "Authorization": data}


def real_amount(value, wallet):
    if not isinstance(value, dict):
        return value
    real = dict(value)
    scale = real.get("assetScale")
    if isinstance(real.get("assetCode"), str) and isinstance(scale, int) and 0 <= scale <= 255:
        real.update(assetCode=wallet["assetCode"], assetScale=wallet["assetScale"])
    number = real.get("value")
    if isinstance(number, str) and WHOLE.fullmatch(number) and int(number) < 2**64 and int(number) % KEPT:
        real["value"] = str(int(number) % 900 + 1)
    return real


def real_receiver(value, make):
    return make() if isinstance(value, str) and RECEIVER.match(value) else value


def real_resource(body):
    if not isinstance(body, dict):
        return body
    real = dict(body)
    if is_uri(real.get("walletAddress")):
        real["walletAddress"] = world.payer["id"]
    for name, wallet in (
        ("incomingAmount", world.payer),
        ("debitAmount", world.payer),
        ("receiveAmount", world.payee),
    ):
        if name in real:
            real[name] = real_amount(real[name], wallet)
    has_amount = "debitAmount" in real or "receiveAmount" in real
    if "receiver" in real:
        real["receiver"] = real_receiver(real["receiver"], lambda: world.receiver(None if has_amount else 500))
    if is_uri(real.get("quoteId")) and not real["quoteId"].startswith(f"{world.payer['resourceServer']}/quotes/"):
        real["quoteId"] = world.quote()["id"]
    if is_uri(real.get("incomingPayment")):
        real["incomingPayment"] = world.receiver()
    if isinstance(real.get("expiresAt"), str) and DATE.match(real["expiresAt"]):
        real["expiresAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    return real


def real_access(item):
    if not isinstance(item, dict):
        return item
    real = dict(item)
    if is_uri(real.get("identifier")):
        real["identifier"] = world.payer["id"]
    if isinstance(real.get("limits"), dict):
        limits = real["limits"] = dict(real["limits"])
        if "receiver" in limits:
            limits["receiver"] = real_receiver(limits["receiver"], world.receiver)
        if isinstance(limits.get("interval"), str):
            limits["interval"] = "R12/2026-01-01T00:00:00Z/P1M"
        for name, wallet in (("debitAmount", world.payer), ("receiveAmount", world.payee)):
            if name in limits:
                limits[name] = real_amount(limits[name], wallet)
    return real


def real_client(client):
    if is_uri(client):
        return world.first.client
    if not isinstance(client, dict):
        return client
    real = dict(client)
    if is_uri(real.get("walletAddress")):
        real["walletAddress"] = world.first.client
    jwk = real.get("jwk")
    if isinstance(jwk, dict) and (jwk.get("alg"), jwk.get("kty"), jwk.get("crv")) == ("EdDSA", "OKP", "Ed25519"):
        if isinstance(jwk.get("kid"), str) and re.fullmatch(r"[\w-]+", str(jwk.get("x", ""))):
            real["jwk"] = world.first.jwk if jwk.get("use", "sig") == "sig" else jwk
    return real


def real_grant(body):
    if not isinstance(body, dict):
        return body
    real = dict(body)
    if "client" in real:
        real["client"] = real_client(real["client"])
    token = real.get("access_token")
    if isinstance(token, dict) and isinstance(token.get("access"), list):
        real["access_token"] = {**token, "access": [real_access(item) for item in token["access"]]}
    interact = real.get("interact")
    if isinstance(interact, dict) and isinstance(interact.get("finish"), dict):
        if is_uri(interact["finish"].get("uri")):
            real["interact"] = {**interact, "finish": {**interact["finish"], "uri": FINISH}}
    subject = real.get("subject")
    if isinstance(subject, dict) and isinstance(subject.get("sub_ids"), list):
        named = lambda each: isinstance(each, dict) and isinstance(each.get("id"), str)
        ids = [{**each, "id": world.payer["id"]} if named(each) else each for each in subject["sub_ids"]]
        real["subject"] = {**subject, "sub_ids": ids}
    return real


def real_continuation(case):
    """A new grant. Every second valid reference is the right one."""
    grant = world.request_grant(world.payer, "outgoing-payment")
    if operation_id(case) == "post-continue":
        reference = world.consent(grant)
        body = case.body
        if isinstance(body, dict) and isinstance(body.get("interact_ref"), str) and len(body["interact_ref"]) % 2 == 0:
            case.body = {**body, "interact_ref": reference}
    return grant["continue"]["uri"], grant["continue"]["access_token"]["value"]


def managed_token(_case):
    token = world.finished_grant(world.payer, "incoming-payment")["access_token"]
    return token["manage"], token["value"]


def resource(make):
    return lambda _case: (make()["id"], world.token())


RESOURCES = {
    "post-continue": real_continuation,
    "delete-continue": real_continuation,
    "post-token": managed_token,
    "delete-token": managed_token,
    "get-incoming-payment": resource(lambda: world.once("incoming", lambda: world.incoming_payment(world.payer))),
    "complete-incoming-payment": resource(lambda: world.incoming_payment(world.payer)),
    "get-quote": resource(lambda: world.once("quote", world.quote)),
    "get-outgoing-payment": resource(lambda: world.once("outgoing", world.outgoing_payment)),
}


def prepare_path(case):
    """Names a real resource. Returns the token for it."""
    parameters = dict(case.path_parameters or {})
    if "id" not in parameters:
        return world.token()
    given = parameters["id"]
    given = urllib.parse.unquote(given) if isinstance(given, str) else given
    if isinstance(given, str) and given.startswith("http"):
        # By a link.
        url, token = given, tokens.get(given, world.token())
    else:
        url, token = RESOURCES[operation_id(case)](case) if operation_id(case) in RESOURCES else (given, world.token())
    case.path_parameters = {**parameters, "id": last_segment(str(url))}
    return token


def is_negative(case, place):
    components = getattr(case.meta, "components", None) or {}
    return any(str(getattr(key, "value", key)) == place and each.mode.value == "negative" for key, each in components.items())


@schemathesis.hook
def before_call(context, case, kwargs):
    token = world.token() if is_negative(case, "path") else prepare_path(case)
    if operation_id(case) == "post-request":
        case.body = real_grant(case.body)
    elif case.operation.method.upper() == "POST":
        case.body = real_resource(case.body)
    if isinstance(case.query, dict) and isinstance(case.query.get("wallet-address"), str):
        if is_uri(case.query["wallet-address"]) or not is_negative(case, "query"):
            case.query["wallet-address"] = world.payer["id"]
    for name, value in (case.headers or {}).items():
        if name.lower() == "authorization" and value == Gnap.MARK:
            case.headers[name] = f"GNAP {token}"
    kwargs["auth"] = Signed(world.first)


@schemathesis.hook
def after_call(context, case, response):
    try:
        body = response.json()
    except ValueError:
        return
    if not isinstance(body, dict):
        return
    grant, token = body.get("continue"), body.get("access_token")
    if isinstance(grant, dict) and "uri" in grant:
        tokens[grant["uri"]] = grant["access_token"]["value"]
    if isinstance(token, dict) and "manage" in token:
        tokens[token["manage"]] = token["value"]


# Safe requests whose answers belong to one client.
PRIVATE = {"get-quote", "get-outgoing-payment", "get-incoming-payment", "get-outgoing-payment-grant"}


@schemathesis.check
def another_client_sees_nothing(ctx, response, case):
    """A resource of the first client is hidden from a second one with the same rights of the same owner."""
    operation = operation_id(case)
    if operation not in PRIVATE or response.status_code != 200:
        return
    token = world.token(identity=world.second)
    repeated = call("GET", response.request.url, world.second, token)
    if operation == "get-outgoing-payment-grant":
        # Each client has a grant: the amounts that the first has spent are not those of the second.
        spent = repeated.json().get("spentDebitAmount") if repeated.status_code == 200 else None
        assert not spent or spent["value"] == "0", "another client sees amounts that it did not spend"
        return
    if operation == "get-incoming-payment" and repeated.status_code == 200:
        # Everybody has the public view.
        assert "methods" not in repeated.json(), "another client sees the methods of an incoming payment"
        return
    assert repeated.status_code >= 400, f"another client is answered {repeated.status_code}"
