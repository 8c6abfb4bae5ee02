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
    trunk text not null,
    agent_in text
) without rowid;
create table trunk(
    id text primary key,
    tenant text not null,
    open integer not null,        -- 1: everybody may call in
    allowed text not null,        -- comma-separated collapsed networks, '' when open
    media_in text not null        -- disable | allow | require
) without rowid;
create table agent(
    id text primary key,
    version text not null,        -- the published one; an agent without one has no row
    uri text not null
) without rowid;
create table media_rule(
    direction text not null,
    policy text not null,
    offered text not null,        -- none | rtp | srtp | other
    code integer not null,        -- SIP answer; 200 goes on
    reason text not null,
    flags text not null,          -- for rtpengine
    primary key (direction, policy, offered)
) without rowid;
