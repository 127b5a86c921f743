// Pays from a wallet at one ASE to a wallet at another: plain HTTP and the standard library.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// What the receiver asks for, in minor units of its asset.
const value = "500"

// Between continuations if the server does not say (RFC 9635 §5).
const defaultWait = 5

type object = map[string]any

type amount struct {
	Value      string `json:"value"`
	AssetCode  string `json:"assetCode"`
	AssetScale int    `json:"assetScale"`
}

type wallet struct {
	ID, AuthServer, ResourceServer, AssetCode string
	AssetScale                                int
}

type token struct{ Value, Manage string }

type grant struct {
	AccessToken *token `json:"access_token"`
	Interact    struct{ Redirect, Finish string }
	Continue    struct {
		AccessToken token `json:"access_token"`
		URI         string
		Wait        *int
	}
}

type incomingPayment struct {
	ID             string
	Completed      bool
	ReceivedAmount amount
}

type payment struct {
	ID                      string
	DebitAmount, SentAmount amount
}

func main() {
	log.SetFlags(0)

	// The payer, the payee and the servers of each.
	sender := request[wallet]("GET", os.Getenv("TOUCHSTONE_WALLET_ADDRESS"), "", nil)
	receiver := request[wallet]("GET", os.Getenv("TOUCHSTONE_RECEIVER"), "", nil)

	// The payee requests the money. This and the quote need no consent, so the token is issued at once.
	access := object{"type": "incoming-payment", "actions": []string{"create", "read"}}
	incomingToken := requestGrant(receiver.AuthServer, access, nil).AccessToken.Value
	asked := amount{value, receiver.AssetCode, receiver.AssetScale}
	incoming := create[incomingPayment](receiver, "incoming-payments", incomingToken, object{"incomingAmount": asked})
	access = object{"type": "quote", "actions": []string{"create"}}
	quoteToken := requestGrant(sender.AuthServer, access, nil).AccessToken.Value
	quote := create[payment](sender, "quotes", quoteToken, object{"receiver": incoming.ID, "method": "ilp"})

	// The owner of the sending wallet consents to exactly this amount.
	access = object{
		"type":       "outgoing-payment",
		"actions":    []string{"create", "read"},
		"identifier": sender.ID,
		"limits":     object{"debitAmount": quote.DebitAmount},
	}
	paying := askConsent(sender.AuthServer, access)
	outgoing := create[payment](sender, "outgoing-payments", paying.Value, object{"quoteId": quote.ID})

	// Wait for the money to arrive.
	received := incoming
	for tries := 0; !received.Completed; tries++ {
		if tries == 100 {
			log.Fatal("the money did not arrive")
		}
		time.Sleep(100 * time.Millisecond)
		received = request[incomingPayment]("GET", incoming.ID, incomingToken, nil)
	}

	// A rotated token replaces the one before it.
	rotated := request[grant]("POST", paying.Manage, paying.Value, nil).AccessToken
	paid := request[payment]("GET", outgoing.ID, rotated.Value, nil)
	fmt.Printf("quoted    %s %s\n", quote.DebitAmount.Value, quote.DebitAmount.AssetCode)
	fmt.Printf("sent      %s %s\n", paid.SentAmount.Value, paid.SentAmount.AssetCode)
	fmt.Printf("received  %s %s\n", received.ReceivedAmount.Value, received.ReceivedAmount.AssetCode)
}

// Creates a resource at the resource server of a wallet.
func create[T any](of wallet, collection, token string, body object) T {
	body["walletAddress"] = of.ID
	return request[T]("POST", strings.TrimRight(of.ResourceServer, "/")+"/"+collection, token, body)
}

func requestGrant(authServer string, access object, interact any) grant {
	body := object{
		"access_token": object{"access": []object{access}},
		"client":       object{"walletAddress": os.Getenv("TOUCHSTONE_CLIENT")},
	}
	if interact != nil {
		body["interact"] = interact
	}
	return request[grant]("POST", authServer, "", body)
}

// Interaction, finish hash and continuation.
func askConsent(authServer string, access object) token {
	nonce := randomText()
	finish := object{"method": "redirect", "uri": "http://127.0.0.1:1/finish", "nonce": nonce}
	pending := requestGrant(authServer, access, object{"start": []string{"redirect"}, "finish": finish})
	returned := visit(pending.Interact.Redirect)

	// Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3).
	reference := returned.Get("interact_ref")
	parts := []string{nonce, pending.Interact.Finish, reference, authServer}
	digest := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	hash := returned.Get("hash")
	padded, urlSafe := base64.StdEncoding.EncodeToString(digest[:]), base64.RawURLEncoding.EncodeToString(digest[:])
	if reference == "" || (hash != padded && hash != urlSafe) {
		log.Fatal("the finish hash is wrong: do not continue")
	}

	body := object{"interact_ref": reference}
	current := pending
	for current.AccessToken == nil {
		wait := defaultWait
		if current.Continue.Wait != nil {
			wait = *current.Continue.Wait
		}
		time.Sleep(time.Duration(wait) * time.Second)
		current = request[grant]("POST", current.Continue.URI, current.Continue.AccessToken.Value, body)
		body = nil // A reference is used once.
	}
	return *current.AccessToken
}

// The query with which the browser of the owner ends. Consent is automatic here, so that one redirect leads back.
func visit(interaction string) url.Values {
	response, _ := send(check(http.NewRequest("GET", interaction, nil)))
	location, err := response.Location()
	if err != nil {
		log.Fatalf("the server asks a person (status %d)", response.StatusCode)
	}
	return location.Query()
}

// Sends JSON and returns JSON. Whatever carries a token or content is signed (RFC 9421, RFC 9635 §7.3.1).
func request[T any](method, address, token string, body object) (answer T) {
	var content []byte
	if body != nil {
		content = check(json.Marshal(body))
	}
	message := check(http.NewRequest(method, address, bytes.NewReader(content)))
	message.Header.Set("Accept", "application/json")
	components := []string{"@method", "@target-uri"}
	if token != "" {
		message.Header.Set("Authorization", "GNAP "+token)
		components = append(components, "authorization")
	}
	if content != nil {
		digest := sha512.Sum512(content)
		message.Header.Set("Content-Type", "application/json")
		message.Header.Set("Content-Length", strconv.Itoa(len(content)))
		message.Header.Set("Content-Digest", "sha-512=:"+base64.StdEncoding.EncodeToString(digest[:])+":")
		components = append(components, "content-digest", "content-length", "content-type")
	}
	if len(components) > 2 {
		sign(message, address, components)
	}
	response, text := send(message)
	if response.StatusCode >= 300 {
		log.Fatalf("%s %s answered %d: %s", method, address, response.StatusCode, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		log.Fatal(err)
	}
	return answer
}

func sign(message *http.Request, address string, components []string) {
	parameters := fmt.Sprintf(`("%s");created=%d;keyid="%s";nonce="%s";tag="gnap"`,
		strings.Join(components, `" "`), time.Now().Unix(), os.Getenv("TOUCHSTONE_KEY_ID"), randomText())
	var base strings.Builder
	for _, name := range components {
		value := message.Header.Get(name)
		switch name {
		case "@method":
			value = message.Method
		case "@target-uri":
			value = address
		}
		fmt.Fprintf(&base, "%q: %s\n", name, value)
	}
	base.WriteString(`"@signature-params": ` + parameters)
	signature := ed25519.Sign(privateKey(), []byte(base.String()))
	message.Header.Set("Signature-Input", "sig1="+parameters)
	message.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(signature)+":")
}

func privateKey() ed25519.PrivateKey {
	block, _ := pem.Decode([]byte(os.Getenv("TOUCHSTONE_PRIVATE_KEY")))
	return check(x509.ParsePKCS8PrivateKey(block.Bytes)).(ed25519.PrivateKey)
}

func randomText() string {
	random := make([]byte, 16)
	check(rand.Read(random))
	return base64.RawURLEncoding.EncodeToString(random)
}

var client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func send(message *http.Request) (*http.Response, []byte) {
	response := check(client.Do(message))
	defer response.Body.Close()
	return response, check(io.ReadAll(response.Body))
}

func check[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
