-- What happened at the edge, written by Kamailio alone (kamailio/events.cfg) and read by events.py, which tells in
-- edge.sqlite how far it has come: Kamailio deletes up to there.
create table meta(
    id integer primary key check (id = 1),
    file text not null            -- this very file: ids are of no other
);
create table event(
    id integer primary key autoincrement,   -- never used twice, though rows go
    class integer not null,       -- 0 calls, 1 messages, 2 refusals: what goes last when there is no room, to what goes first
    lines integer not null,
    body text not null            -- that many lines
);
create index event_oldest on event(class, id, lines);
create table counter(             -- of lines that were never written, or were deleted unread; and of banned messages
    name text primary key,        -- calls | messages | refusals | banned
    number integer not null
) without rowid;
insert into counter values ('calls', 0), ('messages', 0), ('refusals', 0), ('banned', 0);
