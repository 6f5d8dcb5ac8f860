-- Keys from outside say the name of their payer's account: after a restore an account that is added anew has another
-- number, and would be paid again under it. An '@' tells a name, which may be all digits, from a number.
UPDATE payout_intent SET idempotency_key = (
    SELECT 'api/@' || o.name || substr(idempotency_key, length('api/' || o.id) + 1)
    FROM access_operator o WHERE idempotency_key LIKE 'api/' || o.id || '/%'
)
WHERE idempotency_key >= 'api/' AND idempotency_key < 'api0'
    AND EXISTS (SELECT o.id FROM access_operator o WHERE idempotency_key LIKE 'api/' || o.id || '/%');
