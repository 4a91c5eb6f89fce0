from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0002_synthesis_annotation")]

    operations = [
        migrations.AddField(
            model_name="example",
            name="checks",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
