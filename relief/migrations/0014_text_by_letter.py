from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("relief", "0013_infected_files")]

    operations = [
        migrations.AddField(
            model_name="evidence",
            name="text_version",
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
