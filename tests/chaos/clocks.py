"""A node whose clock is wrong: what its kubelet writes into a pod's status, shifted."""

import re
from datetime import datetime, timedelta

# The kubelet's own fields of a pod. creationTimestamp and the like are the API server's.
_KUBELETS = re.compile(
    rb'"(startedAt|finishedAt|startTime|lastTransitionTime|lastProbeTime)"(\s*:\s*)"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z"'
)


def shifted(content: bytes, seconds: int) -> bytes:
    """Shift the times in the statuses of pods."""
    if not seconds:
        return content

    def shift(match: re.Match[bytes]) -> bytes:
        moment = datetime.fromisoformat(match[3].decode()) + timedelta(seconds=seconds)
        return b'"%s"%s"%sZ"' % (match[1], match[2], moment.isoformat().encode())

    return _KUBELETS.sub(shift, content)
