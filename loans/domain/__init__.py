"""The rules of the books, pure and exact; where RULES.md leaves a reading open, it is this one.

* A day is half-open, [from, to), on business dates; shown to people as its first and last day.
* Inclusive counting adds the day of payment or of the statement itself at the old base; on the
  due date nothing is overdue, whatever the offset. What closes on a day bears that day, what
  opens on it does not.
* Grace, retroactive: the days of grace are charged at the principal that was unpaid on them.
* The ceiling holds on every single day over the whole loan: ordinary interest on principal not
  due + penalty + compound ≤ unpaid principal × cap. Penalty on principal comes first, charges on
  unpaid interest are cut. A late fee takes what is left then. Where a fen more would be above
  the ceiling of the same days, the sum is rounded DOWN; room that several balances share for it is
  shared in proportion to them, so that all sums together stay below the ceiling.
* Base all_outstanding: principal not yet due bears only the surcharge while another instalment
  is overdue, because its ordinary interest is in the schedule already.
* A daily contract rate is compared with a plan's yearly one as rate × year_basis.
* A plan's deferral bears no interest; kept compound and fee travel in the kept_penalty column.
"""
