-- The audit trail is looked through by who, by what and by when; 0030 has the one by subject.
create index audit_event_actor on audit_event (actor, seq);
create index audit_event_action on audit_event (action, seq);
create index audit_event_at on audit_event (at);
