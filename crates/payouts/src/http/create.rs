//! `POST /v1/payouts`: a payout is made, or is the one that the same key made before.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bursar_chain::Address;
use bursar_desk::call;
use bursar_keys::KeyId;
use bursar_money::{Amount, Asset};
use bursar_web::platform_codes::{IDEMPOTENCY_KEY_INVALID, INVALID_BODY};
use bursar_web::{ApiError, Call, idempotency_key};
use serde::Deserialize;

use super::codes::{lost, refused};
use super::guard::Payer;
use super::{ALL, Routes, answer};
use crate::ids::REASON_CHARACTERS_MAX;
use crate::{OutsideKey, OutsideOrder, Rejection};

/// Digits of the largest amount.
const AMOUNT_DIGITS_MAX: usize = 39;
/// Bytes of the longest text that any chain reads as an address.
const ADDRESS_BYTES_MAX: usize = 200;

/// What is asked for. An amount is a text, so that no reader on the way rounds it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    wallet: String,
    to: String,
    amount: String,
    asset: String,
    reference: Option<String>,
}

pub(super) async fn create(routes: Arc<Routes>, payer: Payer, mut call_: Call) -> Result<Response, ApiError> {
    let key = key(&payer, &call_)?;
    let wish: Wish = call_.json().await?;
    let desk = payer.desk;
    let order = wish.order(payer, key)?;
    let accepted = call(&routes.lane, order).await?.map_err(|rejection| refused(&rejection))?;
    if accepted.is_new {
        routes.platform.waker.wake();
    }
    let id = accepted.public_id;
    let payouts = routes.payouts.clone();
    let found = move |tx: &mut bursar_store::Tx<'_>| payouts.outside_payout(tx, desk, id);
    let shown = routes.platform.off_thread.read("payouts.created", found).await?.ok_or_else(lost)?;
    let mut response = answer(if accepted.is_new { StatusCode::CREATED } else { StatusCode::OK }, &shown);
    // An id is hexadecimal digits and hyphens, which every header takes.
    let place = HeaderValue::try_from(format!("{ALL}/{id}")).unwrap_or(HeaderValue::from_static(ALL));
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

fn key(payer: &Payer, call: &Call) -> Result<OutsideKey, ApiError> {
    let Some(text) = idempotency_key(call.headers())? else {
        let text = "A payout takes the header Idempotency-Key: your own name for it, the same whenever you ask again.";
        return Err(ApiError::because(&IDEMPOTENCY_KEY_INVALID, text));
    };
    OutsideKey::parse(&payer.actor, text).map_err(|_| {
        ApiError::because(
            &IDEMPOTENCY_KEY_INVALID,
            "Idempotency-Key takes 1 to 100 visible ASCII characters here.",
        )
    })
}

impl Wish {
    fn order(self, payer: Payer, key: OutsideKey) -> Result<OutsideOrder, ApiError> {
        let invalid = |text: &'static str| ApiError::because(&INVALID_BODY, text);
        let wallet = KeyId::parse(&self.wallet).map_err(|_| refused(&Rejection::WalletUnknown))?;
        let amount = amount(&self.amount).ok_or_else(|| {
            invalid("amount takes a text of digits: whole base units above 0, without sign, point or leading zero.")
        })?;
        let asset = Asset::from_symbol(&self.asset);
        let asset = asset.map_err(|_| invalid("asset takes the symbol of what is paid, such as BAN."))?;
        if self.to.len() > ADDRESS_BYTES_MAX {
            return Err(refused(&Rejection::Address(bursar_chain::AddressError::Malformed)));
        }
        let reference = self.reference.unwrap_or_default();
        if reference.chars().count() > REASON_CHARACTERS_MAX || reference.contains('\0') {
            return Err(invalid("reference takes at most 200 characters without NUL."));
        }
        Ok(OutsideOrder {
            by: payer.actor,
            desk: payer.desk,
            wallet,
            key,
            // Read whole by the chain where the order is decided, before anything else is.
            destination: Address::from_canonical(self.to),
            amount,
            asset,
            reference,
            request: payer.request,
        })
    }
}

/// Whole base units above zero, written in the one way that there is for each.
fn amount(text: &str) -> Option<Amount> {
    let is_plain = text.len() <= AMOUNT_DIGITS_MAX && !text.starts_with('0');
    text.parse::<Amount>().ok().filter(|amount| is_plain && !amount.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_digits_alone_without_a_leading_zero() {
        let highest = u128::MAX.to_string();
        assert_eq!(amount("1"), Some(Amount::new(1)));
        assert_eq!(amount(&highest), Some(Amount::MAX));
        let above = "340282366920938463463374607431768211456";
        for bad in
            ["", "0", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "1_000", "0x1", "١", above, &"9".repeat(40)]
        {
            assert_eq!(amount(bad), None, "{bad:?}");
        }
    }
}
