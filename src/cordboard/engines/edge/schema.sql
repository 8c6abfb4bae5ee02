-- The edge's own database: what Kamailio reads for each call. Final values only, projected by one writer.
-- A change here raises SCHEMA_VERSION in file.py; columns and tables are only added, for at least one version,
-- because an adopted Kamailio goes on reading with the statement that it was started with.
create table meta(
    id integer primary key check (id = 1),
    schema_version integer not null,
    epoch text not null,          -- of the store that this was projected from; '' until the first rebuild
    revision integer not null     -- of that store
);
create table number(
    key text primary key,         -- E.164 digits without '+', or user@domain with the domain in lower case
    number_id text not null unique,
    number text not null,         -- canonical: +34911234567 or user@domain
    user text not null,           -- what {number} in an agent's URI stands for
    tenant text not null,
    trunk text not null,          -- '' is none
    agent_in text,
    agent_out text,
    account text                  -- takes inbound calls, and goes before agent_in
) without rowid;
create table trunk(
    id text primary key,
    tenant text not null,
    open integer not null,        -- 1: everybody may call in
    allowed text not null,        -- comma-separated collapsed networks, '' when open
    media_in text not null,       -- disable | allow | require
    media_out text not null,
    username text not null,       -- towards the carrier, '' is none
    password text not null,
    callers text not null,        -- who may call in: comma-separated digits, `*` behind a prefix; '' is everybody
    destinations text not null,   -- comma-separated prefixes of what may be called; '' is what costs no more than usual
    max_calls integer not null,   -- 0: as the installation has it, likewise the next one
    max_rate integer not null,
    max_minutes integer not null, -- of a UTC day; 0: no end of them
    number_format text not null,  -- e164 | digits | international | national
    country_code text not null,   -- what `national` means
    called_from text not null,    -- ruri | to | p-called-party-id
    headers text not null,        -- for the INVITE to a gateway, each line with its CRLF
    flags text not null,          -- for rtpengine's offer to the carrier, with a space in front
    codecs text not null,         -- names, commas between, of what is taken of the carrier's offers; '' is everything
    login text not null,          -- what the carrier must call with, '' is nothing
    ha1 text not null,
    failover text not null,       -- responses after which the next gateway is tried, besides 408 and 5xx; commas between
    register integer not null,    -- seconds for which we register with each gateway, 0 is not at all
    register_domain text not null, -- of the address of record, '' is the gateway's host
    ruled integer not null        -- 1: there is something in one of the columns from `callers` to `login`
) without rowid;
create index trunk_country on trunk(country_code) where number_format = 'national';
create table agent(
    id text primary key,
    version text not null,        -- the published one; an agent without one has no row
    uri text not null,
    media text not null,          -- disable | allow | require
    sources text not null,        -- where it calls from, '' is nowhere
    login text not null,          -- what it must call with, '' is nothing
    ha1 text not null,
    username text not null,       -- towards the agent's platform, '' is none
    password text not null,
    flags text not null,          -- for rtpengine, with a space in front
    headers text not null         -- for the INVITE to the agent, each line with its CRLF
) without rowid;
create index agent_login on agent(login) where login <> '';
create table account(
    id text primary key,
    username text not null unique,
    tenant text not null,
    ha1 text not null,
    restricted integer not null,  -- 1: heard from `allowed` alone
    allowed text not null,        -- comma-separated collapsed networks, '' is nowhere
    name text not null,           -- shown beside its numbers, '' is none
    internal text not null,       -- its extension among the accounts of its tenant, '' is none
    external text not null,       -- key of the number that it shows outside, '' is none
    allow_external integer not null,
    record text not null          -- words, a space between
) without rowid;
create index account_internal on account(tenant, internal) where internal <> '';
create table hop(
    owner text not null,          -- a trunk or an agent
    position integer not null,    -- in order of rank
    host text not null,           -- as it was given
    uri text not null,            -- where to send, '' if the host is a name
    name text not null,           -- what it is resolved by, '' if the host is an address
    verify integer not null,      -- 1: TLS certificate and name are checked
    probe text not null,          -- its uri or name if it is asked by OPTIONS, else ''
    slot integer not null,        -- which sixtieth of the time it is asked in
    sharing text not null,        -- `>rank>position>share` if hops of its owner share a rank, else ''
    primary key (owner, position)
) without rowid;
create index hop_name on hop(name) where name <> '';
create index hop_probe on hop(slot, probe) where probe <> '';
create table registration(
    key text primary key,         -- the user of its Contact, by which calls that come for it are known
    trunk text not null,
    host text not null,           -- this to verify: of the gateway, as in hop
    uri text not null,
    name text not null,
    verify integer not null,
    address text not null,        -- of record: sip:user@domain
    registrar text not null,      -- the request URI
    username text not null,
    password text not null,
    expires integer not null,     -- seconds that are asked for; 0: it is to be taken back
    changed integer not null,     -- when, in seconds since the epoch; of two changes in one second the later is one more
    slot integer not null         -- which sixtieth it is looked at with
) without rowid;
create index registration_trunk on registration(trunk);
create index registration_slot on registration(slot);
create index registration_changed on registration(changed);
create index registration_parting on registration(changed) where expires = 0;
create table resolved(
    name text not null,
    rank integer not null,
    uri text not null,
    primary key (name, rank)
) without rowid;
create table ingested(
    file text primary key,        -- of events, as its meta says
    id integer not null           -- of its events, the last one that stands in the store
) without rowid;
