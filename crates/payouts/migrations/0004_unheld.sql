-- What the journal alone brought back after a restore is looked for among all payouts.

-- Finds intents for which nothing was ever held, by wallet, oldest first.
CREATE INDEX IF NOT EXISTS payout_intent_unheld ON payout_intent (wallet, id) WHERE hold IS NULL;
