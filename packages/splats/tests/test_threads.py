"""Work on blocks stays in order, bounded in memory, and ends when someone stops listening."""

import threading

import pytest
from immichvr_splats.threads import in_order, workers


def test_results_come_in_the_order_of_the_items():
    first_may_end = threading.Event()

    def work(item):
        if item == 0:
            assert workers() == 1 or first_may_end.wait(20)
        else:
            first_may_end.set()
        return item

    assert list(in_order(work, range(20))) == list(range(20))


def test_no_more_than_a_few_results_wait_to_be_taken():
    started = []
    results = in_order(lambda item: started.append(item), range(1000))
    next(results)
    assert len(started) <= workers() + 2
    results.close()
    assert len(started) <= workers() + 2


def test_an_error_comes_out_where_its_result_would():
    results = in_order(lambda item: 1 // (item - 2), range(100))
    assert [next(results), next(results)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
