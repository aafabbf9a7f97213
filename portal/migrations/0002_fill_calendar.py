"""Fill the working-day calendar: 2024–2026 as published, 2027 provisional."""

from django.db import migrations

from portal.core.calendar.days import SEEDED_YEARS, days_of_year


def fill(apps, schema_editor):
    WorkDay = apps.get_model("portal", "WorkDay")
    WorkDay.objects.bulk_create(
        [
            WorkDay(date=day.date, kind=day.kind, name=day.name, source=day.source)
            for year in SEEDED_YEARS
            for day in days_of_year(year)
        ],
        batch_size=500,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
