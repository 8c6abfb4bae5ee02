-- Which file of events this is.
select file from meta
