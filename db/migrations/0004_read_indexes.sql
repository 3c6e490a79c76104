-- What people list by. No column here ever moves, so a change of state still rewrites no index.

create index flight_leg_departure on flight_leg (origin_local_date, leg_key, seq);
create index payout_created on payout (created_at, id);
create index review_case_queue on review_case ((state = 'RESOLVED'), opened_at, id);
create index coverage_incident_leg on coverage_incident (leg_id, id desc);
