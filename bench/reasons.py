"""Why a budget is not met, by a pattern of the row's name. The first that matches is shown beside the row."""

REASONS: dict[str, str] = {
    r"^GET by id, SQLite$": (
        "met in some runs (4.2 x) and missed in others (5.2 x), as other work on the machine comes and goes. Of "
        "its CPU about 20 µs are SQLite's, 15 the log line's, 25 routing's and the answer's, 10 the key's."
    ),
    r"^PATCH .*, SQLite$": (
        "about 90 µs go to HTTP (uvicorn, routing, the key, the body, log line and metrics), about 70 µs to the "
        "writer thread (one SELECT, one UPDATE, one audit row, its share of COMMIT and fdatasync), the rest "
        "appears when both threads work at once: the writer gives way 1.3 to 1.9 times a write, most likely for "
        "Python's lock. An assignment also reads the version with its agent, and moves an index entry. Running a "
        "batch's use cases on the loop's thread would end that; it would also let a locked database stop every "
        "reader, so it was left."
    ),
    r"^PATCH version, PostgreSQL$": (
        "six round trips in one transaction (BEGIN with the tenant's row, number, version with its agent, UPDATE, "
        "audit row, COMMIT) at 60 to 70 µs of asyncpg and event loop each."
    ),
    r"^list of 20, SQLite$": (
        "a page is more than 60 rows found by key and 441 values handed to Python one by one: 80 to 100 µs inside "
        "sqlite3, some of it for a mutex at each value, since Python opens SQLite in its serialised mode. Making "
        "the phones and their JSON is 40 µs, HTTP with log line and metrics 90 µs, and the larger answers cost "
        "cache misses. The trunk's first gateway kept in the trunk's own row would save a join, some 15 µs."
    ),
    r"^list of 20, PostgreSQL$": ("441 values that asyncpg decodes one by one, then the same 130 µs as on SQLite."),
    r"^find a trunk": (
        "1.39 x with 1,000 trunks and 1.24 x with 10,000 in one run: it does not grow with them. The query reads one "
        "row by its key; what differs from run to run was not looked into."
    ),
    r"^durable writes": (
        "the floor is high because this disk is fast (its fdatasync is named above): a COMMIT of its own is over "
        "in a third of a millisecond, while a grouped write is bounded by its 70 µs of Python and SQLite. A slower"
        " disk lowers the floor far more than the group; that was not measured here."
    ),
    r"^GET by id, SQLite, .*0,000$": (
        "not settled: the same row was 0.9 to 1.05 x in one run and 1.3 to 1.4 x in another, while other work came"
        " and went on this machine. In process, with nothing beside it, a look-up takes 11 µs at 10,000 and 18 µs "
        "at 1,000,000, of some 90 µs that the request costs."
    ),
    r", SQLite, .*, 1,000,000$": (
        "the statements are bounded by indexes, and the plans are the same at every size; with 1.6 GB of rows "
        "every page visited at random is a miss in the processor's caches. A page of 20 visits more than 60 of "
        "them."
    ),
    r", SQLite, .*, 100,000$": ("as at 1,000,000, while 1,000 numbers fit the processor's caches whole."),
    r"^decision alone, [0-9,]+ numbers$": (
        "Kamailio's SQLite module keeps no prepared statement: the SELECT is parsed and planned anew for each call, "
        "which takes 35 µs where nothing else runs and a few times that here, between other work. The rest is the "
        "guard, three times a call, and reading the number. What the statement finds for the agent, its places and "
        "the trunk would have to be written into each number's row to make it shorter, and an agent has a million."
    ),
    r"^whole call (in|out), [0-9,]+ numbers$": (
        "it was 9 to 10 x while each variable of a dialog was a COMMIT of its own. No single part is left whose end "
        "would meet the budget. By leaving parts out: hiding the topology takes 4 to 8 % of the workers' time, events "
        "4 % and 80 µs of their writer, the rows of dialogs 90 µs; the decision has its own row. The rest is three "
        "exchanges with rtpengine, in each of which the worker sleeps, dialog tracking, and the rules for headers and "
        "media at eight messages. A call out looks twice, for the number called and the number shown, and counts "
        "against limits. At 500 calls a second instead of 250 a call took a third less CPU, and the floor half: most "
        "likely the caches are warmer."
    ),
    r"^registrations, [0-9,]+ accounts$": (
        "no part of it was taken out and measured yet. What the floor does not do: the whole head is matched against a "
        "pattern (a lone CR, NUL, doubled headers), each message is counted for its source, guesses are counted for "
        "the source and the account, the source becomes a known one, topoh and dialog see each message, and a timer "
        "looks for expired bindings each second instead of every five."
    ),
    r"100,000 numbers each with its own trunk, SQLite$": (
        "each row is a number, a trunk and a gateway with two entries in the audit log, and a password that is sealed "
        "for the store and opened for the edge: some 0.2 ms of CPU."
    ),
    r"100,000 numbers on one trunk, PostgreSQL$": (
        "a number takes PostgreSQL some 35 µs: 11 for three foreign keys, 10 for its indexes, 10 for its entry in the "
        "audit log and its row of the report. Reading the row, deciding on it and telling the edge of it is 50 µs of "
        "Python. The two take turns, since a piece is sent when the one before it is effective."
    ),
}
