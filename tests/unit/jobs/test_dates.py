import os
import time

import pytest

from multiprune.errors import InputError
from multiprune.jobs.dates import check_dates


def test_a_file_dated_in_the_future_is_named(tmp_path):
    now, future = tmp_path / "now.txt", tmp_path / "future.txt"
    now.touch()
    future.touch()
    check_dates([str(now), str(future), str(tmp_path / "gone.txt")])
    os.utime(future, (time.time() + 60,) * 2)
    with pytest.raises(InputError, match=r"future\.txt: is dated in the future \(2.*; touch it"):
        check_dates([str(now), str(future)])
