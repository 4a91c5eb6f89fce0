from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evaluation", "0006_table_heads"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="itempassage",
            name="item_passage_number",
        ),
        migrations.AddField(
            model_name="itempassage",
            name="turn",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name="itempassage",
            constraint=models.UniqueConstraint(
                fields=("item", "turn", "number"), name="item_passage_number"
            ),
        ),
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
