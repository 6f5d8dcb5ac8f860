-- Payments that the chain shows and the records lack, recorded after a restore (docs/spec/faucet.md 3.14).

-- `cause` of each kind: the payout or the accrual.
INSERT INTO ledger_kind (code, name, cause) VALUES
    (114, 'faucet.adopted', 'faucet payout'),
    (115, 'faucet.revalued', 'faucet accrual')
ON CONFLICT (code) DO NOTHING;
