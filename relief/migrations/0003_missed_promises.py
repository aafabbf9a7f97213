"""How often the promise that runs now was broken; what was escalated before was broken once."""

from django.conf import settings
from django.db import migrations, models


def count_the_first(apps, schema_editor):
    cases = apps.get_model("relief", "Case").objects.filter(escalated_at__isnull=False)
    cases.update(missed_promises=1)


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0003_correction'),
        ('relief', '0002_triggers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='missed_promises',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='已失约次数'),
        ),
        migrations.RunPython(count_the_first, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('escalated_at', None), ('missed_promises', 0)), models.Q(('escalated_at__isnull', False), ('missed_promises__gte', 1)), _connector='OR'), name='case_escalated_iff_missed'),
        ),
    ]
