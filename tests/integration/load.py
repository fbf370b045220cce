"""Records that come all the time, whatever else happens."""
import threading

import eos


class Load(threading.Thread):
    def __init__(self, some, pause_s=0.1):
        """`some`: called again and again, it writes a few."""
        super().__init__()
        self.some, self.pause_s = some, pause_s
        self.ended, self.why = threading.Event(), None

    def run(self):
        try:
            while not self.ended.wait(self.pause_s):
                self.some()
        except (eos.Failed, OSError, ValueError) as why:
            self.why = why

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.ended.set()
        self.join()
        if self.why and kind is None:
            raise eos.Failed(f"the load has ended: {self.why}")
