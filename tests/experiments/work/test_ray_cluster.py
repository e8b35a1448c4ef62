import importlib

import pytest

from experiments.report import read_json
from experiments.work import LOCAL, RayCluster, attempt, failures, run
from tests.experiments.work.work_cases import Place, Square, log


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    def missing(name, package=None):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"pip install 'quotient-sharpness\[cluster\]'"):
        list(RayCluster(LOCAL, 1).each(attempt, [Square(tmp_path, 3)]))


def test_without_jobs_no_cluster_is_asked_for():
    assert list(RayCluster("nowhere:1", 2).each(attempt, [])) == []


def test_work_needs_a_worker():
    with pytest.raises(ValueError, match="at least one worker, got 0"):
        RayCluster(LOCAL, 0)


def test_a_cluster_of_one_machine_does_every_job_once(tmp_path):
    pytest.importorskip("ray")
    jobs = [Square(tmp_path, n) for n in (3, 4, -1)]
    run(jobs, RayCluster(LOCAL, 2), label="squares")
    assert [read_json(job.result).get("square") for job in jobs] == [9, 16, None]
    assert read_json(jobs[0].result)["threads"] == 1
    assert failures(jobs).keys() == {jobs[2].result}
    run(jobs, RayCluster(LOCAL, 2), label="squares")
    assert log(tmp_path) == [-1, 3, 4]


@pytest.mark.slow
def test_two_nodes_share_the_work(tmp_path):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    try:
        jobs = [Place(tmp_path, n) for n in range(6)]
        run(jobs, RayCluster(cluster.address, 2), label="places")
    finally:
        cluster.shutdown()
    assert not failures(jobs)
    assert len({read_json(job.result)["node"] for job in jobs}) == 2
