"""What a field's name means: the many spellings of time, actor, action, address, status and correlation id."""

from __future__ import annotations

import re
from typing import NamedTuple

CORRELATION = "id"
_SPELLINGS = {
    "at": """
        timestamp eventtime time ts datetime timeiso8601 published occurredat eventcreated timelocal msec
        timeunixnano date asctime createdat created at t starttime requestreceivedtimestamp stagetimestamp
        timegenerated createddatetime activitydatetime creationtime idtime timecreated systemtime eventtimestamp
        eventdatetime realtimetimestamp sourcerealtimetimestamp logtime logtimestamp timemillis timestampms
        timestampmillis utctime isotime isotimestamp unixtime unixtimestamp epochmillis epochms requesttimeepoch
    """,
    "arrival": """
        ingestedat eventingested receivetimestamp receivedat receivedtime receivedts arrivedat arrival arrivaltime
        arrivalts ingestiontime ingesttime ingestedtime ingesttimestamp ingestiontimestamp observedtimeunixnano
        observedtimestamp metadataloggedtime deliveredat loggedat collectedat insertedat indexedat indextime
    """,
    "action": """
        event action eventaction eventname eventtype activityname activity operation operationname actionname op
        eventcode type events[0]name
    """,
    "actor": """
        actor actorid actoralternateid actoremail actorlogin actorname actoruserid actoruseruid actorusername
        actoruseremailaddr useridentityarn useridentityusername useridentityprincipalid user userid username usrid
        useremail userprincipalname email principal principalid principalemail principaluserid subject sub currentuser
        currentuserid remoteuser enduserid performedby initiator login uid owner accountid clientid apikeyid
    """,
    "target": """
        target targetid target[0]alternateid target[0]id target[0]displayname targetname targetuser targetuserid
        targettype resource resourceid resourcename resources[0]arn resources[0]uid object objectid objectname entity
        entityid requestparametersusername requestparametersrolename requestparametersbucketname requestparametersname
        repo repository org objectrefname objectrefresource
    """,
    "ip": """
        ip ipaddress clientip clientipaddress sourceip sourceipaddress srcip srcendpointip remoteip remoteaddr
        remoteaddress actorip actoripaddress clientaddress sourceaddress httpclientip networkclientip realip userip
        peer peerip xforwardedfor forwardedfor client sourceips[0] ipaddresses[0]
    """,
    "status": """
        status statuscode httpstatus httpstatuscode httpresponsestatuscode httpresponsecode responsestatus
        responsestatuscode responsecode respcode code
    """,
    "outcome": "outcome outcomeresult eventoutcome result success resultstatus",
    "method": "method httpmethod httprequestmethod requestmethod httprequesthttpmethod verb",
    "path": """
        path uri requesturi requestpath urlpath httppath httptarget urloriginal httprequesturlpath httpurl url endpoint
        route httproute
    """,
    "latency": """
        duration durationms latency latencyms responsetime responsetimems requesttime elapsed elapsedms took
        eventduration durationseconds
    """,
    "level": "level severity loglevel severitytext levelname lvl",
    "message": "message msg logmessage body displaymessage",
    "request": "request httprequest",
    CORRELATION: """
        requestid xrequestid reqid correlationid xcorrelationid traceid transactionid traceparent requestuuid
        httprequestid httprequestheadersxrequestid debugcontextdebugdatarequestid metadatacorrelationuid ddtraceid
        xamzntraceid xb3traceid amzrequestid operationid trace logginggoogleapiscomtrace eventid
    """,
}
_WRAPPERS = re.compile(
    r"^(?:fields|context|ctx|labels|attributes|attrs|jsonpayload|payload|data|extra|extras|meta|details|record|log|json|"
    r"message|msg|props|properties|httprequest|http_request|http|mdc|eventdata|event_data)\.",
    re.IGNORECASE,
)
_NOISE = re.compile(r"[_\-.@/ $]")
_MOST_REMEMBERED = 20_000
_DISCOUNT = 100
"""Added to the rank of a name that lies within a wrapper: the record's own field comes first."""


class Role(NamedTuple):
    """What a field is known to be; of several with the same name the smaller rank counts."""

    name: str
    rank: int


_ROLES = {word: Role(name, rank) for name, words in _SPELLINGS.items() for rank, word in enumerate(words.split())}
_remembered: dict[str, Role | None] = {}


def role(path: str) -> Role | None:
    """The role of the field at that path; None for one that is not among the known."""
    try:
        return _remembered[path]
    except KeyError:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()  # names made up by an enemy
        return _remembered.setdefault(path, _found(path))


def _found(path: str) -> Role | None:
    direct = _ROLES.get(_NOISE.sub("", path).lower())
    if direct is not None:
        return direct
    inner = _WRAPPERS.sub("", path)
    if inner == path:
        return None
    below = role(inner)
    return Role(below.name, below.rank + _DISCOUNT) if below else None
