-- Where accounts are registered, written by Kamailio's usrloc module (db_mode 2) and read by it when it starts. Tables
-- and columns are that module's, version 9 and 1; times are seconds since the epoch (its expires_type 1). The key is
-- ours: a binding that the module writes for a second time replaces its first row.
create table version(
    table_name text primary key,
    table_version integer not null
) without rowid;
insert into version values ('location', 9), ('location_attrs', 1);
create table location(
    id integer primary key,
    ruid text not null default '',
    username text not null default '',
    domain text,
    contact text not null default '',
    received text,
    path text,
    expires integer not null default 0,
    q real not null default 1.0,
    callid text not null default '',
    cseq integer not null default 1,
    last_modified integer not null default 0,
    flags integer not null default 0,
    cflags integer not null default 0,
    user_agent text not null default '',
    socket text,
    methods integer,
    instance text,
    reg_id integer not null default 0,
    server_id integer not null default 0,
    connection_id integer not null default 0,
    keepalive integer not null default 0,
    partition integer not null default 0,
    unique (ruid) on conflict replace
);
create index location_username on location(username);
create index location_expires on location(expires);
create table location_attrs(
    id integer primary key,
    ruid text not null default '',
    username text not null default '',
    domain text,
    aname text not null default '',
    atype integer not null default 0,
    avalue text not null default '',
    last_modified integer not null default 0
);
create index location_attrs_ruid on location_attrs(ruid);
