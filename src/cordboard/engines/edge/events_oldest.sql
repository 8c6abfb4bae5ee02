-- The oldest eight rows of what goes first, if there is no room. One row or none.
select class, max(id), sum(lines)
from (select class, id, lines from event where class = (select max(class) from event) order by id limit 8)
where (select page_count from pragma_page_count) - (select freelist_count from pragma_freelist_count) > EVENTS_PAGES
having max(id) is not null
