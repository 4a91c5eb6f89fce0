from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evaluation", "0006_table_heads"),
    ]

    operations = [
        migrations.AddField(
            model_name="match",
            name="consistent",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="match",
            name="took_first",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="score",
            name="details",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
