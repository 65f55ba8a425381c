import sys; sys.path.insert(0,'/work/main')
from tests.gateway.test_wire import *
from tests.gateway.test_wire import _exchange
async def test_show(twilio, port):
    for n,r in RAW.items():
        a=await _exchange(port,r); print(n,"->",a.split(b"\r\n")[0], a[-150:])
