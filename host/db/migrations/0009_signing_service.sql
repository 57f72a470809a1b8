-- Who signs for this host: a program, and the public key that its signatures fit.
CREATE TABLE signing_service (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    name {text} NOT NULL UNIQUE,
    public_key {text} NOT NULL,
    pubkey_fingerprint {text} NOT NULL,
    -- An absolute path.
    script {text} NOT NULL,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL
);
