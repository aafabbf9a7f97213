"""App configuration of relief: the conversation: cases, offers, agreements."""

from __future__ import annotations

from django.apps import AppConfig

CHECK_MAX_AGE = 600  # seconds a file may wait for its check before /readyz says no
SWEEP_MAX_AGE = 600  # seconds a deadline may be due without being handled before /readyz says no


class ReliefConfig(AppConfig):
    name = "relief"
    verbose_name = "罚息减免"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listens to the books, adds checks and a probe; models exist from here on."""
        from loans.presenters import relief_status
        from loans.queries import stage
        from loans.services import observers
        from loans.services.acts import proposals
        from portal.core.accounts import staff
        from portal.core.probes import add_fact, add_probe
        from portal.core.storage import private
        from relief import checks  # noqa: F401 - registers itself
        from relief.cases.handover import hand_over
        from relief.cases.models import Policy
        from relief.cases.queries import oldest_overdue_sweep_seconds, overdue_sweeps
        from relief.evidence import antivirus, sandbox
        from relief.evidence.checks import oldest_wait_seconds
        from relief.plans.clock import watches
        from relief.plans.loan_watch import LoanWatch
        from relief.presenters.relief_status import of_loan, promises_of_loan

        observers.register(LoanWatch())
        relief_status.register(of_loan)
        relief_status.register_promises(promises_of_loan)
        stage.register(watches)
        proposals.register_rules(lambda: Policy.current_rules().act_rules)
        staff.register_hand_over(hand_over)
        add_fact("file_check_without", sandbox.in_force)
        add_fact("virus_scan", lambda: "on" if antivirus.is_on() else "off")
        add_probe("file_store_silent", lambda now: int(not private.answers()), limit=0)
        add_probe(
            "virus_scanner_silent",
            lambda now: int(antivirus.is_on() and not antivirus.answers()),
            limit=0,
        )
        add_probe("oldest_unchecked_file_seconds", oldest_wait_seconds, limit=CHECK_MAX_AGE)
        add_probe("overdue_sweeps", overdue_sweeps)
        add_probe("oldest_overdue_sweep_seconds", oldest_overdue_sweep_seconds, limit=SWEEP_MAX_AGE)
