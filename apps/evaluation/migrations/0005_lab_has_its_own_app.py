from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("evaluation", "0004_judge_bar"),
        ("lab", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="LabResult"),
                migrations.DeleteModel(name="LabRun"),
            ],
        ),
    ]
