-- How far the control plane has come. :events_file
select id from ingested where file = :events_file
