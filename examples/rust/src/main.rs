//! Pays from a wallet at one ASE to a wallet at another with the Rust SDK, `open-payments`.
use std::{env, error::Error, time::Duration};

use base64::{
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    Engine,
};
use open_payments::types::*;
use open_payments::{
    AuthenticatedClient, AuthenticatedResources, ClientConfig, UnauthenticatedResources,
};
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use url::Url;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the receiver asks for, in minor units of its asset.
const VALUE: &str = "500";
/// Seconds between continuations if the server does not say (RFC 9635 §5).
const DEFAULT_WAIT: i64 = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let client = AuthenticatedClient::new(ClientConfig {
        key_id: env::var("TOUCHSTONE_KEY_ID")?,
        private_key_path: env::var("TOUCHSTONE_PRIVATE_KEY_FILE")?.into(),
        jwks_path: None,
        wallet_address_url: env::var("TOUCHSTONE_CLIENT")?,
    })?;

    // The payer, the payee and the servers of each.
    let wallets = client.wallet_address();
    let sender = wallets.get(&env::var("TOUCHSTONE_WALLET_ADDRESS")?).await?;
    let receiver = wallets.get(&env::var("TOUCHSTONE_RECEIVER")?).await?;

    // The payee requests the money. This and the quote need no consent, so the token is issued at once.
    let access = AccessItem::IncomingPayment {
        actions: vec![IncomingPaymentAction::Create, IncomingPaymentAction::Read],
        identifier: None,
    };
    let incoming_token = request_token(&client, &receiver.auth_server, access).await?;
    let request = CreateIncomingPaymentRequest {
        wallet_address: receiver.id,
        incoming_amount: Some(Amount {
            value: VALUE.into(),
            asset_code: receiver.asset_code,
            asset_scale: receiver.asset_scale,
        }),
        expires_at: None,
        metadata: None,
    };
    let incoming_payments = client.incoming_payments();
    let incoming_payment = incoming_payments
        .create(&receiver.resource_server, &request, Some(&incoming_token))
        .await?;

    let access = AccessItem::Quote {
        actions: vec![QuoteAction::Create],
    };
    let quote_token = request_token(&client, &sender.auth_server, access).await?;
    let request = CreateQuoteRequest::NoAmountQuote {
        wallet_address: sender.id.clone(),
        receiver: Receiver(incoming_payment.id.clone()),
        method: PaymentMethodType::Ilp,
    };
    let quote = client
        .quotes()
        .create(&sender.resource_server, &request, Some(&quote_token))
        .await?;
    println!(
        "quoted    {} {}",
        quote.debit_amount.value, quote.debit_amount.asset_code
    );

    // The owner of the sending wallet consents to exactly this amount.
    let access = AccessItem::OutgoingPayment {
        actions: vec![OutgoingPaymentAction::Create, OutgoingPaymentAction::Read],
        identifier: sender.id.clone(),
        limits: Some(LimitsOutgoing {
            debit_amount: Some(quote.debit_amount),
            receiver: None,
            receive_amount: None,
            interval: None,
        }),
    };
    let token = ask_consent(&client, &sender.auth_server, access).await?;
    let request = CreateOutgoingPaymentRequest::FromQuote {
        wallet_address: sender.id,
        quote_id: quote.id,
        metadata: None,
    };
    let outgoing_payments = client.outgoing_payments();
    let payment = outgoing_payments
        .create(&sender.resource_server, &request, Some(&token.value))
        .await?;

    // Wait for the money to arrive.
    let mut reads = 0;
    let received = loop {
        let read = incoming_payments
            .get(&incoming_payment.id, Some(&incoming_token))
            .await?;
        if read.completed {
            break read.received_amount;
        }
        reads += 1;
        if reads == 100 {
            return Err("the money did not arrive".into());
        }
        sleep(Duration::from_millis(100)).await;
    };

    // A rotated token replaces the one before it.
    let rotated = client
        .token()
        .rotate(&token.manage, Some(&token.value))
        .await?;
    let access_token = rotated.access_token.value;
    let paid = outgoing_payments
        .get(&payment.id, Some(&access_token))
        .await?;
    println!(
        "sent      {} {}",
        paid.sent_amount.value, paid.sent_amount.asset_code
    );
    println!("received  {} {}", received.value, received.asset_code);
    Ok(())
}

async fn request_token(
    client: &AuthenticatedClient,
    auth_server: &str,
    access: AccessItem,
) -> Result<String> {
    let grant = GrantRequest::new(
        AccessTokenRequest {
            access: vec![access],
        },
        None,
    );
    match client.grant().request(auth_server, &grant, None).await? {
        GrantResponse::WithToken { access_token, .. } => Ok(access_token.value),
        GrantResponse::WithInteraction { .. } => Err("the server asks for an interaction".into()),
    }
}

/// Interaction, finish hash and continuation.
async fn ask_consent(
    client: &AuthenticatedClient,
    auth_server: &str,
    access: AccessItem,
) -> Result<AccessToken> {
    let nonce = STANDARD.encode(rand::random::<[u8; 18]>());
    let finish = InteractFinish {
        method: "redirect".into(),
        uri: "http://127.0.0.1:1/finish".into(),
        nonce: nonce.clone(),
    };
    let interact = InteractRequest {
        start: vec!["redirect".into()],
        finish: Some(finish),
    };
    let request = GrantRequest::new(
        AccessTokenRequest {
            access: vec![access],
        },
        Some(interact),
    );
    let GrantResponse::WithInteraction {
        interact,
        continue_,
    } = client.grant().request(auth_server, &request, None).await?
    else {
        return Err("the server asks for no interaction".into());
    };
    let returned = visit(&interact.redirect).await?;
    let parameter = |name: &str| -> Result<String> {
        let found = returned.query_pairs().find(|(key, _)| key == name);
        Ok(found
            .ok_or(format!("no {name}: the owner did not consent"))?
            .1
            .into_owned())
    };

    // Only the authorization server that was asked can know this hash (RFC 9635 §4.2.3).
    let (reference, hash) = (parameter("interact_ref")?, parameter("hash")?);
    let parts = [&nonce, &interact.finish, &reference, auth_server].map(|part: &str| part);
    let digest = Sha256::digest(parts.join("\n"));
    if hash != STANDARD.encode(digest) && hash != URL_SAFE_NO_PAD.encode(digest) {
        return Err("the finish hash is wrong: do not continue".into());
    }

    let wait = continue_.wait.unwrap_or(DEFAULT_WAIT);
    sleep(Duration::from_secs(wait.try_into()?)).await;
    let token = Some(continue_.access_token.value.as_str());
    match client
        .grant()
        .continue_grant(&continue_.uri, &reference, token)
        .await?
    {
        ContinueResponse::WithToken { access_token, .. } => Ok(access_token),
        _ => Err("the grant is still pending".into()),
    }
}

/// Where the browser of the owner ends. Consent is automatic here, so that one redirect leads back.
async fn visit(url: &str) -> Result<Url> {
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let answer = browser.get(url).send().await?;
    let location = answer
        .headers()
        .get("location")
        .ok_or("the server asks a person")?;
    Ok(Url::parse(location.to_str()?)?)
}
