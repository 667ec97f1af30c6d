-- arrivals: every request as it reached the server's seats, for replays.
-- grain:  request_key
-- reads:  flow_requests, collection_reads
-- for:    reports
-- why:    is_cut says that the request ended without its answer being complete, by the time limit or the server's end, so
--         that the time it took is less than what it would have needed. A list's shape decides what it holds of memory;
--         repeat_key is equal where a client asks for the same again.
select
    flow_requests.request_key,
    flow_requests.flow_key,
    flow_requests.caller_key,
    flow_requests.apiserver,
    flow_requests.received_micros,
    flow_requests.held_until_micros,
    flow_requests.wait_micros,
    flow_requests.has_reached_apf,
    flow_requests.is_rejected,
    coalesce(collection_reads.code = 504, false) as is_cut,
    collection_reads.shape,
    collection_reads.repeat_key
from flow_requests
left join collection_reads on collection_reads.request_key = flow_requests.request_key;
