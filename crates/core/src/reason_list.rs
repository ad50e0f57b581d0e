// The list itself: name = code, text, HTTP status, SIP status, Q.850 cause, what, why, what to do.
// 1xx a call was routed or ended well; 2xx a rule or a table of the plan ended it; 3xx the request is wrong;
// 4xx the caller may not; 5xx the service cannot.
reasons! {
    Routed = 100, "routed", 200, 200, 0,
        "The call has at least one target to try.",
        "A rule of the plan, or the emergency table, matched and left a usable target.",
        "Nothing.";

    NoRoute = 200, "no_route", 404, 404, 3,
        "No rule of the plan matches the call.",
        "No rule has a prefix of the called number together with the call's tenant, type, caller, region, time and metadata.",
        "Read the trace: it names each rule that came near and what it failed on. Add a rule, or a catch-all written as `any`.";
    NoUsableTarget = 201, "no_usable_target", 503, 503, 34,
        "Rules match, but every target they name is disabled, down, full or without a rate.",
        "All trunks and gateways of the matching rules were dropped; the trace has the reason for each.",
        "Bring a gateway back, enable a trunk, or add a further route to the rule.";
    DeniedByPlan = 202, "denied_by_plan", 403, 403, 21,
        "A rule of the plan rejects the call.",
        "The rule's action is `reject` with no more particular reason.",
        "If the call should go, change the rule that the trace names.";
    PremiumDenied = 203, "premium_denied", 403, 403, 21,
        "The called number is a premium-rate number, and the plan denies those.",
        "Premium numbers are the usual aim of toll fraud, so plans deny them unless a tenant asks for them.",
        "If the tenant should reach premium numbers, add a rule for it above the denial.";
    OutsideHours = 204, "outside_hours", 480, 480, 20,
        "The called function is closed now.",
        "A rule with a schedule rejects calls outside its hours.",
        "Call in opening hours, or change the schedule in the plan.";
    CallerBlocked = 205, "caller_blocked", 403, 403, 21,
        "The plan blocks this caller.",
        "A rule that matches the calling number rejects it.",
        "If the caller should get through, take the number out of the rule.";
    RewriteLoop = 206, "rewrite_loop", 482, 482, 25,
        "Rewrites of the plan lead back to each other.",
        "The called number was rewritten more than five times without reaching a route.",
        "Read the trace for the rules that rewrite, and break the circle.";
    ForwardLoop = 207, "forward_loop", 482, 482, 25,
        "The call has been forwarded too often, or comes back to who forwarded it.",
        "It carries five diversions, or the called number stands among them.",
        "Look for forwards that point at each other; the record lists the diversions.";
    NumberNotAssigned = 208, "number_not_assigned", 404, 404, 1,
        "The called number belongs to nobody.",
        "The plan says so for this number or its range, or the inventory has it in quarantine.",
        "Check the number. If it should be in use, assign it.";
    NoEmergencyRoute = 209, "no_emergency_route", 503, 503, 34,
        "An emergency call has no route left, not even a last resort.",
        "The plan has no emergency route for the region, and no default one.",
        "Act at once: publish a plan with emergency routes. Upstream should try another node or network meanwhile.";
    EmergencyTest = 210, "emergency_test", 200, 200, 0,
        "A test of an emergency service was recognised; it is never sent to a call-taker.",
        "The call was to `urn:service:test.…` and the plan has no test route for it.",
        "Nothing: recognition works. Add a test number to the plan if calls should be answered.";
    TransitDenied = 211, "transit_denied", 403, 403, 21,
        "A carrier asks us to send its call to another carrier.",
        "A call that comes in from a carrier goes out to one only by a tenant's forward; the called number is no tenant's.",
        "If the number is one of ours, declare it with its user. Otherwise the carrier's routing is wrong.";
    DoNotDisturb = 212, "do_not_disturb", 486, 486, 17,
        "The called user does not want to be disturbed, so no device was rung.",
        "The user's preferences say so.",
        "Nothing, or call later. The user lifts it by the preference `do_not_disturb`.";

    RequestUnreadable = 300, "request_unreadable", 400, 400, 95,
        "The request could not be read.",
        "It is not JSON, not UTF-8, cut short, nested too deep, or has a field twice.",
        "Send one JSON object as `openapi.json` describes it.";
    RequestTooLarge = 301, "request_too_large", 413, 513, 95,
        "The request is larger than the limit.",
        "The body, a text or a list is over the limit that the message names.",
        "Send less, or raise the limit in the settings.";
    FieldMissing = 302, "field_missing", 422, 400, 96,
        "A field that is needed is not there.",
        "The request lacks the field that the message names.",
        "Send the field.";
    FieldUnknown = 303, "field_unknown", 422, 400, 99,
        "There is a field that we do not know.",
        "It is misspelt, or of another version of the API.",
        "Take it out, or spell it as `openapi.json` does.";
    FieldInvalid = 304, "field_invalid", 422, 400, 100,
        "A field has a value that it cannot have.",
        "The value is of the wrong type, out of range, or not one of those allowed.",
        "Read the message for what is allowed.";
    NumberInvalid = 310, "number_invalid", 422, 484, 28,
        "What was dialled is no number in the region it was dialled in.",
        "It is too short, too long, in no range of the numbering plan, or no number at all.",
        "Try `telness number --region XX NUMBER`, which says what it is read as. Check the site's region and outside-line prefix.";
    MediaTypeUnsupported = 311, "media_type_unsupported", 415, 415, 79,
        "The body is not of a media type that this operation takes.",
        "The Content-Type is not the one that the operation takes, which for most is application/json.",
        "Send the Content-Type that the message names.";
    MethodNotAllowed = 312, "method_not_allowed", 405, 405, 79,
        "The path exists, but not with this method.",
        "The Allow header lists the methods.",
        "Use one of them.";
    NotFound = 313, "not_found", 404, 404, 1,
        "There is no such thing, or it is another tenant's.",
        "The path or the id is unknown to this tenant.",
        "Check the id. A call that was refused is not kept, so it has none.";
    IdempotencyConflict = 314, "idempotency_conflict", 409, 400, 96,
        "The Idempotency-Key was used before, for another request.",
        "A key stands for one request; this one differs from the first in its body.",
        "Use a new key for a new call.";
    RequestTimeout = 315, "request_timeout", 408, 408, 102,
        "The request did not arrive whole within the time allowed.",
        "The connection is slow, or the sender stopped.",
        "Send it again.";
    PreconditionFailed = 316, "precondition_failed", 412, 412, 96,
        "What is there is not what the request expects to be there.",
        "Somebody changed, made or deleted it since it was read: its version is not that of If-Match, or there is one and If-None-Match wants none.",
        "Read it again, make the change on what is there now, and send that with its ETag.";
    Conflict = 317, "conflict", 409, 409, 96,
        "The change does not go together with something else that is there.",
        "It names what is not there, takes what another has, or takes away what another needs; the message names that one.",
        "Change the other one first, or both in an order in which each goes.";
    PlanFaulty = 318, "plan_faulty", 422, 422, 100,
        "The plan has faults and was not published.",
        "A plan with a single fault is refused whole, so that no half of it routes calls.",
        "Put right what the message lists by line, try `telness plan check FILE`, and publish it again. The plan before stays published.";
    DeckFaulty = 319, "deck_faulty", 422, 422, 100,
        "The rate deck has faults and was not loaded.",
        "A deck with a single faulty row is refused whole, so that no half of it prices calls.",
        "Put right what the message lists by line and load it again. The deck before stays in force.";

    Misdirected = 320, "misdirected", 421, 403, 21,
        "The request is for the other workflow's listener.",
        "The listener of the high workflow carries emergency and vital calls, and takes what is reported of calls; nothing else.",
        "Send it to where the message says, or to the node's other listener. Emergency calls are carried on either.";

    Unauthenticated = 400, "unauthenticated", 401, 401, 21,
        "Who asks is not known.",
        "There is no API key, or it is wrong, expired or withdrawn.",
        "Send `Authorization: Bearer KEY`. `telness keys new` makes a key.";
    PeerUnknown = 401, "peer_unknown", 403, 403, 21,
        "The request comes from a network that the plan does not list.",
        "No peer of the plan has the address, and no key was sent.",
        "Add the network to a peer in the plan, or send an API key.";
    TenantSuspended = 402, "tenant_suspended", 403, 403, 21,
        "The tenant is suspended.",
        "The plan marks it so.",
        "Lift the suspension in the plan. Emergency calls go through meanwhile.";
    OperatorHasNoCalls = 403, "operator_has_no_calls", 403, 403, 21,
        "An operator's key has no calls of its own.",
        "The key is the operator's, who is no tenant: it edits the directory, the plans and the rate decks, places and reports no calls, and reads those of a tenant that the request names.",
        "Send the key of the tenant whose calls they are, or `?tenant=NAME` to read them. Emergency calls go through meanwhile.";
    OperatorNeeded = 404, "operator_needed", 403, 403, 21,
        "Only the operator may do this.",
        "The key that was sent is a tenant's. It reads that tenant's own users, numbers and blocks, and edits nothing.",
        "Send an operator's key. `telness keys new --operator NAME` makes one.";
    RateLimited = 405, "rate_limited", 429, 503, 42,
        "The tenant makes more calls a second than it may.",
        "The plan, or the directory, has a `calls_per_s_max` for the tenant; it may make as many at once after a second without any.",
        "Try again after the time that Retry-After says, or raise the limit where it stands. Emergency calls go through meanwhile.";
    EmergencyTestsLimited = 406, "emergency_tests_limited", 429, 503, 42,
        "As many test calls to an emergency service went out as was agreed on.",
        "The test route of the plan has a `calls_per_h_max`, 12 if it does not say; a node sends so many an hour, and as many at once after an hour without any.",
        "Try again after the time that Retry-After says, or raise the limit once whoever takes the tests agrees. Real emergency calls have no limit.";

    Overloaded = 500, "overloaded", 503, 503, 42,
        "The service has more calls than it takes at once.",
        "The limit of calls in flight is reached and no place became free in time, or the threads that serve calls fall behind.",
        "Try again after the time that Retry-After says, on another node if there is one.";
    RecordNotKept = 501, "record_not_kept", 503, 503, 38,
        "The call could not be put on durable storage in time, so it was not acknowledged.",
        "The disk of the journal is full, failing or too slow. What was only too late may be kept yet.",
        "Send it again with the Idempotency-Key that it had: if it is kept after all, it is the same call. Run `telness doctor`; free or replace the disk. The service takes calls again by itself.";
    StoreUnavailable = 502, "store_unavailable", 503, 503, 38,
        "The store cannot be read or changed now.",
        "It does not answer, or has not caught up with the journal yet.",
        "Try again; read first what became of a change. Routing is not touched by this, and nothing is lost.";
    ShuttingDown = 503, "shutting_down", 503, 503, 42,
        "The service is stopping and takes no new calls.",
        "It was told to stop, and finishes what it has.",
        "Try another node, or this one again when it is back.";
    Internal = 504, "internal", 500, 500, 41,
        "The service failed in a way it should not.",
        "A defect of ours; the log has an entry with the request id.",
        "Report it with the request id. The same request may be sent again with its Idempotency-Key.";
}
