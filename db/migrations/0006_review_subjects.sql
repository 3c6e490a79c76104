-- What a review case may be about, all of it: payments and their controls brought their own subjects.

-- A transfer is money at the rail that no payout accounts for; a control is a day's ceiling or a rail.
alter table review_case
  drop constraint review_case_subject_kind_check,
  add constraint review_case_subject_kind_check
    check (subject_kind in ('leg','policy','payout','transfer','control'));
