"""A paper can be declared void; its content stays."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("portal", "0004_delivery_waiting"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="revoked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="作废时间"),
        ),
    ]
