-- The calls that stand, written by Kamailio's dialog module (db_mode 2) and read by it when it starts, so that a
-- Kamailio that comes back goes on with the calls of the one before. Tables and columns are that module's, version 7
-- and 1; the keys are ours: a dialog that the module writes for a second time replaces its first row.
create table version(
    table_name text primary key,
    table_version integer not null
) without rowid;
insert into version values ('dialog', 7), ('dialog_vars', 1);
create table dialog(
    id integer primary key,
    hash_entry integer not null,
    hash_id integer not null,
    callid text not null,
    from_uri text not null,
    from_tag text not null,
    to_uri text not null,
    to_tag text,
    caller_cseq text,
    callee_cseq text,
    caller_route_set text,
    callee_route_set text,
    caller_contact text,
    callee_contact text,
    caller_sock text,
    callee_sock text,
    state integer not null,          -- 3 answered, 4 acknowledged
    start_time integer not null,
    timeout integer not null default 0,
    sflags integer not null default 0,
    iflags integer not null default 0,
    toroute_name text,
    req_uri text,
    xdata text,
    unique (hash_entry, hash_id) on conflict replace
);
create table dialog_vars(
    id integer primary key,
    hash_entry integer not null,
    hash_id integer not null,
    dialog_key text not null,
    dialog_value text not null,
    written integer not null default (cast(strftime('%s', 'now') as integer)),
    unique (hash_entry, hash_id, dialog_key) on conflict replace
);
