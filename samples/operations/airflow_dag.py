"""A night in Airflow: run until nothing waits, recycle, check the balance, bill on the first."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.operators.bash import BashOperator
from airflow.operators.python import ShortCircuitOperator

from airflow import DAG

WORKSPACE = "/srv/huadan"
TRY_AGAIN = 75
SUSPENSE = 3

# Suspense beyond the threshold is a matter for people in the morning, not for a retry.
RUN = f"huadan run -w {WORKSPACE}; code=$?; [ $code -eq {SUSPENSE} ] && exit 0; exit $code"

with DAG(
    "huadan_night",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 4, "retry_delay": timedelta(minutes=10)},
) as dag:
    run = BashOperator(task_id="run", bash_command=RUN)
    recycle = BashOperator(
        task_id="recycle", bash_command=f"huadan suspense recycle -w {WORKSPACE}"
    )
    audit = BashOperator(task_id="audit", bash_command=f"huadan audit -w {WORKSPACE}", retries=0)
    first_of_month = ShortCircuitOperator(
        task_id="first_of_month", python_callable=lambda ds: ds.endswith("-01")
    )
    bill = BashOperator(
        task_id="bill",
        bash_command=f"huadan bill -w {WORKSPACE} "
        "--cycle {{ (data_interval_end - macros.timedelta(days=2)).strftime('%Y-%m') }}",
    )
    run >> recycle >> audit >> first_of_month >> bill
