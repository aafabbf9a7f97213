"""Portfolio reports: ordered, counted in chunks, kept with their sums; loans of the newest."""

import django.db.models.deletion
import portal.core.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0008_credit'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PortfolioReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateField(verbose_name='截止日期')),
                ('class_days', models.JSONField(verbose_name='五级分类天数')),
                ('figures', models.JSONField(default=list, verbose_name='结果')),
                ('ordered_at', models.DateTimeField(verbose_name='发起时间')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='完成时间')),
                ('ordered_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='发起人')),
            ],
            options={
                'verbose_name': '资产组合报表',
                'verbose_name_plural': '资产组合报表',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='PortfolioLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bucket', models.CharField(choices=[('M0', 'M0'), ('M1', 'M1'), ('M2', 'M2'), ('M3', 'M3'), ('M4', 'M4'), ('M5', 'M5'), ('M6', 'M6'), ('M6+', 'M6+')], max_length=3, verbose_name='逾期分档')),
                ('risk_class', models.CharField(choices=[('pass', '正常'), ('special_mention', '关注'), ('substandard', '次级'), ('doubtful', '可疑'), ('loss', '损失')], max_length=16, verbose_name='五级分类')),
                ('overdue_days', models.PositiveIntegerField(verbose_name='逾期天数')),
                ('principal', portal.core.fields.MoneyField(verbose_name='本金')),
                ('interest', portal.core.fields.MoneyField(verbose_name='利息')),
                ('penalty', portal.core.fields.MoneyField(verbose_name='罚息')),
                ('fee', portal.core.fields.MoneyField(verbose_name='费用')),
                ('in_plan', portal.core.fields.MoneyField(verbose_name='新计划内')),
                ('waived', portal.core.fields.MoneyField(verbose_name='已减免')),
                ('vested', portal.core.fields.MoneyField(verbose_name='已兑现')),
                ('loan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loans.loan')),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='loans.portfolioreport')),
            ],
            options={
                'indexes': [models.Index(fields=['report', 'bucket', 'risk_class'], name='portfolio_cell')],
                'constraints': [models.UniqueConstraint(fields=('report', 'loan'), name='portfolio_line_once')],
            },
        ),
        migrations.CreateModel(
            name='PortfolioChunk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_loan', models.BigIntegerField()),
                ('last_loan', models.BigIntegerField()),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('done', models.BooleanField(default=False)),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='loans.portfolioreport')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('done', False)), fields=['id'], name='portfolio_chunk_waiting')],
                'constraints': [models.UniqueConstraint(fields=('report', 'first_loan'), name='portfolio_chunk_once')],
            },
        ),
    ]
