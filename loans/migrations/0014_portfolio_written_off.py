"""What of a loan in a report is written off, and what stands off the balance."""

import portal.core.fields
from decimal import Decimal
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0013_tolerance'),
    ]

    operations = [
        migrations.AddField(
            model_name='portfolioline',
            name='off_balance',
            field=portal.core.fields.MoneyField(default=Decimal('0.00'), verbose_name='表外'),
        ),
        migrations.AddField(
            model_name='portfolioline',
            name='written_off',
            field=portal.core.fields.MoneyField(default=Decimal('0.00'), verbose_name='已核销'),
        ),
    ]
