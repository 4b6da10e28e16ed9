/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every way to be wrong has a sentence that names the file, the line, the key, what is wrong and what would
 * be right.
 */

#include "proto/base/buffer.h"
#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define HEX16 "abababababababab"
#define HEX   "\"" HEX16 HEX16 HEX16 HEX16 "\""

/* What most rules and principals below need. */
#define FILES   "roster: roster.csv\nqueues: queues.csv\n"
#define METRICS "metrics:\n  csat: {kind: top2, scale: [1, 5], target: 85%}\n  fcr: {kind: yes}\n"

static const struct {
        const char *yaml;
        const char *message;
} cases[] = {
        {"strict: true\n  store: x\n",
         "cxd.yaml:2: not well-formed YAML: mapping values are not allowed in this context"},
        {"a: [1, 2\n",
         "cxd.yaml:2: not well-formed YAML: did not find expected ',' or ']' while parsing a flow sequence"},
        {"metrics:\n  x:\n\tkind: yes\n", "cxd.yaml:3: YAML is not indented with tabs; write blanks"},
        {"metrics:\n  x: {kind: yes, target: 50%}\nrules:\n  - name: r1\n    metric: x\n    scopes: org\n    "
         "below: "
         "target\n    window: 1h\n",
         "cxd.yaml:8: rules.r1.window: the evidence test needs whole days, at least 7d; 1h suits the tests "
         "interval and point"},
        {"- 1\n- 2\n", "cxd.yaml:1: must be a map ({key: value}), not a list"},
        {"just text\n", "cxd.yaml:1: must be a map ({key: value}), not a single value"},
        {"strict: true\n---\nstrict: false\n", "cxd.yaml:2: a second document begins here; one is the limit"},
        {"strict: true\nstrict: false\n", "cxd.yaml:2: strict: is there twice; the first one is in line 1"},
        {"limits: {agents: 5, queues: 2, agents: 6}\n",
         "cxd.yaml:1: limits.agents: is there twice; the first one is in line 1"},
        {"roster: &x roster.csv\n",
         "cxd.yaml:1: roster: anchors (&name) are not taken here; write the value out"},
        {"store: *x\n",
         "cxd.yaml:1: store: aliases (*name) are not taken here; quote a text that begins with *"},
        {"strict: !!bool true\n", "cxd.yaml:1: strict: tags (!name) are not taken here; leave them out"},
        {"? [a, b]\n: 1\n", "cxd.yaml:1: a key must be a word, not a list or a map"},
        {": 1\n",
         "cxd.yaml:1: not well-formed YAML: did not find expected key while parsing a block mapping"},
        {"a: [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]\n",
         "cxd.yaml:1: a[1][1][1][1][1][1][1][1][1][1][1][1][1][1]: nested too deeply; 16 levels are the "
         "limit"},
        {"timezone: \"a\\nb\"\n", "cxd.yaml:1: timezone: a value must be one line of printable text"},
        {"timezone: \"\\u202Ex\"\n", "cxd.yaml:1: timezone: a value must be one line of printable text"},
        {"\x01: 1\n", "cxd.yaml:1: not well-formed YAML: control characters are not allowed"},
        {"strict: true\n# M\xfcller\n", "cxd.yaml:2: not UTF-8; save the file as UTF-8"},
        {"\xff\xfem\n", "cxd.yaml:1: not UTF-8; save the file as UTF-8"},
        {"stirct: true\n", "cxd.yaml:1: stirct: there is no such key; did you mean \"strict\"?"},
        {"limits: {agnets: 5}\n",
         "cxd.yaml:1: limits.agnets: there is no such key; did you mean \"agents\"?"},
        {"metrics:\n  csat: {knid: top2}\n",
         "cxd.yaml:2: metrics.csat.knid: there is no such key; did you mean \"kind\"?"},
        {"principals: {m: {passwd: x}}\n", "cxd.yaml:1: principals.m.passwd: there is no such key"},
        {"rules:\n  - {name: a, colour: red}\n", "cxd.yaml:2: rules.a.colour: there is no such key"},
        {"roles: {x: {see: [self]}}\n",
         "cxd.yaml:1: roles.x.see: there is no such key; did you mean \"sees\"?"},
        {"sources: {x: {tokn: 1}}\n", "cxd.yaml:1: sources.x.tokn: there is no such key"},
        {"listen: {line: []}\n", "cxd.yaml:1: listen.line: there is no such key; did you mean \"lines\"?"},
        {"strict: maybe\n", "cxd.yaml:1: strict: \"maybe\" is neither true nor false"},
        {"strict:\n", "cxd.yaml:1: strict: has no value; leave the key out for its default"},
        {"strict: [true]\n", "cxd.yaml:1: strict: must be a single value, not a list"},
        {"limits: {agents: many}\n", "cxd.yaml:1: limits.agents: \"many\" is not a whole number"},
        {"limits: {agents: 0}\n", "cxd.yaml:1: limits.agents: 0 lies outside 1 to 1000000"},
        {"limits: {connections: 65537}\n", "cxd.yaml:1: limits.connections: 65537 lies outside 8 to 65536"},
        {"limits: {agents: 99999999999999999999}\n",
         "cxd.yaml:1: limits.agents: 99999999999999999999 lies outside 1 to 1000000"},
        {"limits: 5\n", "cxd.yaml:1: limits: must be a map ({key: value}), not a single value"},
        {"limits: [5]\n", "cxd.yaml:1: limits: must be a map ({key: value}), not a list"},
        {"future_skew: soon\n",
         "cxd.yaml:1: future_skew: \"soon\" is not a duration; write 90s, 10m, 1h30m, 28d or 5y"},
        {"future_skew: 2d\n", "cxd.yaml:1: future_skew: 2d lies outside 0s to 1d"},
        {"principals: {admin: {admin: true}}\n",
         "cxd.yaml:1: principals.admin: is the name of root and the daemon's own user; give this "
         "principal another one"},
        {"feed: {tick: 100ms}\n", "cxd.yaml:1: feed.tick: 100ms lies outside 1s to 1h"},
        {"feed: {ring: 1}\n", "cxd.yaml:1: feed.ring: 1 lies outside 16 to 1000000"},
        {"retention: {surveys: 30d}\n",
         "cxd.yaml:1: retention.surveys: 30d is shorter than the longest window (90d)"},
        {"retention: {tallies: 89d}\n",
         "cxd.yaml:1: retention.tallies: 89d is shorter than the longest window (90d)"},
        {"store: {path: x/}\n", "cxd.yaml:1: store.path: \"x/\" is not the path of a file"},
        {"store: {path: \"\"}\n", "cxd.yaml:1: store.path: \"\" is not the path of a file"},
        {"listen: {lines: tcp://127.0.0.1:7480}\n",
         "cxd.yaml:1: listen.lines: must be a list ([a, b]), not a single value"},
        {"listen: {lines: [127.0.0.1:7480]}\n",
         "cxd.yaml:1: listen.lines[1]: \"127.0.0.1:7480\" is no address; write tcp://HOST:PORT, unix:///PATH "
         "or ipc:///PATH"},
        {"listen: {lines: [tcp://127.0.0.1]}\n",
         "cxd.yaml:1: listen.lines[1]: \"tcp://127.0.0.1\" has no port; write tcp://HOST:PORT"},
        {"listen: {lines: [tcp://127.0.0.1:70000]}\n",
         "cxd.yaml:1: listen.lines[1]: \"70000\" is no port; ports are 1 to 65535 (0: any that is free)"},
        {"listen: {lines: [tcp://example.com:7480]}\n",
         "cxd.yaml:1: listen.lines[1]: \"example.com\" is no host to listen on; write an address such as "
         "127.0.0.1, 0.0.0.0, [::1] or localhost"},
        {"listen: {lines: ['tcp://[::g]:7480']}\n",
         "cxd.yaml:1: listen.lines[1]: \"[::g]\" is no host to listen on; write an address such as "
         "127.0.0.1, 0.0.0.0, [::1] or localhost"},
        {"listen: {lines: [tcp://0.0.0.0:7480]}\n",
         "cxd.yaml:1: listen.lines[1]: \"tcp://0.0.0.0:7480\" can be reached from other machines without "
         "TLS; set tls.certificate and tls.key, or insecure: true"},
        {"listen: {http: ['tcp://*:8480']}\n",
         "cxd.yaml:1: listen.http[1]: \"tcp://*:8480\" can be reached from other machines without TLS; set "
         "tls.certificate and tls.key, or insecure: true"},
        {"tls: {certificate: a, key: b}\nlisten: {pull: [tcp://10.0.0.1:7481]}\n",
         "cxd.yaml:2: listen.pull[1]: \"tcp://10.0.0.1:7481\" can be reached from other machines, and "
         "nanomsg has no TLS; use a loopback address, or set insecure: true"},
        {"listen: {feed: ['tcp://127.0.0.1:7481']}\n",
         "cxd.yaml:1: listen.feed[1]: nobody can tell who connects to \"tcp://127.0.0.1:7481\"; make it the "
         "feed of "
         "one principal: principals.NAME.feed"},
        {"principals: {p: {admin: true, feed: 'tcp://[::]:7481'}}\n",
         "cxd.yaml:1: principals.p.feed: \"tcp://[::]:7481\" can be reached from other machines, and nanomsg "
         "has no TLS; use a loopback address, or set insecure: true"},
        {"principals: {p: {admin: true, feed: 'ipc://%R/p.ipc'}}\n",
         "cxd.yaml:1: principals.p.feed: this takes tcp://; the Unix socket feed/NAME.ipc is there without "
         "being "
         "named"},
        {"principals: {p: {admin: true, feed: 'tcp://[::1]:9'}, q: {admin: true, feed: 'tcp://[::1]:9'}}\n",
         "cxd.yaml:1: principals.q.feed: \"tcp://[::1]:9\" is the feed of the principal \"p\", too"},
        {"listen: {lines: [ipc://%R/x]}\n",
         "cxd.yaml:1: listen.lines[1]: this face takes tcp:// and unix://, not ipc://"},
        {"listen: {rep: [unix://%R/x]}\n",
         "cxd.yaml:1: listen.rep[1]: nanomsg faces take tcp:// and ipc://, not unix://"},
        {"listen: {lines: [unix://x]}\n",
         "cxd.yaml:1: listen.lines[1]: \"x\" is no path for a socket; write unix:///PATH or unix://%R/NAME"},
        {"listen: {lines: [unix:///run/%t/x]}\n", "cxd.yaml:1: listen.lines[1]: \"/run/%t/x\" is no path for "
                                                  "a socket; write unix:///PATH or unix://%R/NAME"},
        {"listen: {lines: [tcp://127.0.0.1:9], http: [tcp://127.0.0.1:9]}\n",
         "cxd.yaml:1: listen.http[1]: \"tcp://127.0.0.1:9\" is named twice"},
        {"listen: {lines: [tcp://127.0.0.1:7480], http: [tcp://localhost:07480]}\n",
         "cxd.yaml:1: listen.http[1]: \"tcp://localhost:07480\" is named twice"},
        {"listen: {lines: ['tcp://[::1]:7480', 'tcp://[0:0:0:0:0:0:0:1]:7480']}\n",
         "cxd.yaml:1: listen.lines[2]: \"tcp://[0:0:0:0:0:0:0:1]:7480\" is named twice"},
        {"principals: {p: {admin: true, feed: 'tcp://127.0.0.1:9'}, q: {admin: true, feed: "
         "'tcp://localhost:9'}}\n",
         "cxd.yaml:1: principals.q.feed: \"tcp://localhost:9\" is the feed of the principal \"p\", too"},
        {"listen:\n  http:\n", "cxd.yaml:2: listen.http: has no value; leave the key out for its default"},
        {"sources:\n", "cxd.yaml:1: sources: has no value; leave the key out for its default"},
        {"metrics:\n", "cxd.yaml:1: metrics: has no value; a configuration has at least metrics"},
        {"strict: true\nwindows: [1h, 2y]\n",
         "cxd.yaml:2: windows: 2y is longer than retention.surveys (400d), which must be set then"},
        {"retention: {surveys: 10y}\nwindows: [1h, 6y]\n",
         "cxd.yaml:2: windows: 6y is longer than retention.tallies (5y), which must be set then"},
        {"retention: {surveys: 1y}\nwindows: [1h, 2y]\n",
         "cxd.yaml:1: retention.surveys: 1y is shorter than the longest window (2y)"},
        {"listen: {pull: [ipc://%R/feed.ipc]}\n",
         "cxd.yaml:1: listen.feed[1]: \"ipc:///rt/feed.ipc\" is named twice"},
        {"http: {hosts: ['[2001:db8::1]', '2001:db8::1', 'cx.example.com:8443']}\n",
         "cxd.yaml:1: http.hosts[3]: \"cx.example.com:8443\" has a port, and is meant for every port; write "
         "the "
         "name alone"},
        {"listen: {feed: "
         "['ipc:///dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd/f']}\nprincipals:\n  "
         "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq: {admin: true}\n  ppppppppppppppppppppppppppppppppppppp: "
         "{admin: true}\n",
         "cxd.yaml:4: principals.ppppppppppppppppppppppppppppppppppppp: the path of its feed, beside "
         "/dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd/f, would have 108 bytes; sockets "
         "take at most 107: "
         "a shorter name is right, or another folder for listen.feed"},
        {"http: {hosts: [cx example]}\n",
         "cxd.yaml:1: http.hosts[1]: \"cx example\" is not a host name; write it as in cx.example.com"},
        {"tls: {certificate: a.pem}\n", "cxd.yaml:1: tls.key: is missing; TLS needs both files"},
        {"tls: {key: a.pem}\n", "cxd.yaml:1: tls.certificate: is missing; TLS needs both files"},
        {"timezone: Madrid\n",
         "cxd.yaml:1: timezone: there is no time zone \"Madrid\" below /usr/share/zoneinfo (package tzdata)"},
        {"timezone: Europe/Madird\n", "cxd.yaml:1: timezone: there is no time zone \"Europe/Madird\" below "
                                      "/usr/share/zoneinfo (package tzdata)"},
        {"timezone: ../../etc/passwd\n", "cxd.yaml:1: timezone: \"../../etc/passwd\" is not a time zone; "
                                         "write UTC or a name such as Europe/Madrid"},
        {"timezone: zone.tab\n",
         "cxd.yaml:1: timezone: \"zone.tab\" is not a time zone; write UTC or a name such as Europe/Madrid"},
        {"timezone: CET-1CEST\n", "cxd.yaml:1: timezone: there is no time zone \"CET-1CEST\" below "
                                  "/usr/share/zoneinfo (package tzdata)"},
        {"windows: []\n", "cxd.yaml:1: windows: needs at least one window"},
        {"windows: 7d\n", "cxd.yaml:1: windows: must be a list ([a, b]), not a single value"},
        {"windows: [7x]\n",
         "cxd.yaml:1: windows[1]: \"7x\" is not a window; write today, or a duration such as 1h or 28d"},
        {"windows: [30s]\n", "cxd.yaml:1: windows[1]: \"30s\" must be 1m to 10y: whole minutes up to 1d, "
                             "whole hours up to 7d, whole days above"},
        {"windows: [25h30m]\n", "cxd.yaml:1: windows[1]: \"25h30m\" must be 1m to 10y: whole minutes up to "
                                "1d, whole hours up to 7d, whole days above"},
        {"windows: [1h, 60m]\n", "cxd.yaml:1: windows[2]: \"60m\" is the same window as \"1h\""},
        {"windows: [1h, 2h, 3h, 4h, 5h, 6h, 7h, 8h, 9h]\n",
         "cxd.yaml:1: windows: has 9 entries; 8 is the limit"},
        {"windows: [11y]\n", "cxd.yaml:1: windows[1]: \"11y\" must be 1m to 10y: whole minutes up to 1d, "
                             "whole hours up to 7d, whole days above"},
        {"roster: missing.csv\n",
         "cxd.yaml:1: roster: missing.csv: cannot be opened: No such file or directory"},
        {"queues: missing.csv\n",
         "cxd.yaml:1: queues: missing.csv: cannot be opened: No such file or directory"},
        {"roster: /\n", "cxd.yaml:1: roster: /: not a regular file"},
        {"roles: {team_lead: {sees: []}}\n",
         "cxd.yaml:1: roles.team_lead.sees: must name self, below, or both"},
        {"roles: {team_lead: {sees: [all]}}\n",
         "cxd.yaml:1: roles.team_lead.sees[1]: \"all\" is none of self, below"},
        {"roles: {team_lead: {under: teem}}\n",
         "cxd.yaml:1: roles.team_lead.under: \"teem\" is none of agent, team, site, region, queue, line, "
         "org, any; did you mean \"team\"?"},
        {"roles: {x: {kinds: [agents]}}\n", "cxd.yaml:1: roles.x.kinds[1]: \"agents\" is none of agent, "
                                            "team, site, region, queue, line, org; did you mean \"agent\"?"},
        {"roles: {x: {kinds: []}}\n",
         "cxd.yaml:1: roles.x.kinds: must name at least one kind; leave the key out for all"},
        {"roles: {\"a b\": {}}\n", "cxd.yaml:1: roles.a b: is not a name; names have 1 to 64 letters, "
                                   "digits, _, - and ., and begin with a letter"},
        {"metrics:\n  x: {kind: csat}\n", "cxd.yaml:2: metrics.x.kind: \"csat\" is not a kind; write nps, "
                                          "top1, top2, top3 (or ces), mean, yes or response"},
        {"metrics:\n  x: {scale: [1, 5]}\n", "cxd.yaml:2: metrics.x.kind: is missing"},
        {"metrics:\n  x: {kind: top2}\n",
         "cxd.yaml:2: metrics.x.scale: is missing; the kind top2 needs one, as in [1, 5]"},
        {"metrics:\n  x: {kind: top2, scale: [5, 1]}\n",
         "cxd.yaml:2: metrics.x.scale: must have the smaller end first, as in [1, 5]"},
        {"metrics:\n  x: {kind: top2, scale: [1]}\n",
         "cxd.yaml:2: metrics.x.scale: must be the smallest and the largest answer, as in [1, 5]"},
        {"metrics:\n  x: {kind: mean, scale: [0, 11]}\n",
         "cxd.yaml:2: metrics.x.scale: has 12 values; 11 is the limit"},
        {"metrics:\n  x: {kind: mean, scale: [a, b]}\n",
         "cxd.yaml:2: metrics.x.scale: must be two whole numbers from -1000 to 1000, as in [1, 5]"},
        {"metrics:\n  x: {kind: nps, scale: [1, 10]}\n",
         "cxd.yaml:2: metrics.x.scale: must be [0, 10] for the kind nps, or left out"},
        {"metrics:\n  x: {kind: yes, scale: [1, 2]}\n",
         "cxd.yaml:2: metrics.x.scale: must be [0, 1] for the kind yes, or left out"},
        {"metrics:\n  x: {kind: top3, scale: [1, 3]}\n",
         "cxd.yaml:2: metrics.x.scale: must have more values than the kind top3 counts as good"},
        {"metrics:\n  x: {kind: nps, target: 40%}\n",
         "cxd.yaml:2: metrics.x.target: 40%: figures of kind nps are not percentages; leave the % out"},
        {"metrics:\n  x: {kind: nps, target: 101}\n",
         "cxd.yaml:2: metrics.x.target: 101 lies outside -100 to 100, which figures of this metric can have"},
        {"metrics:\n  x: {kind: yes, target: 120%}\n",
         "cxd.yaml:2: metrics.x.target: 120% lies outside 0 to 100, which figures of this metric can have"},
        {"metrics:\n  x: {kind: yes, target: 0.8}\n",
         "cxd.yaml:2: metrics.x.target: 0.8 is less than 1%; write 80%, or 0.8% if that is meant"},
        {"metrics:\n  x: {kind: top1, better: lower, scale: [1, 5], target: 0.29}\n",
         "cxd.yaml:2: metrics.x.target: 0.29 is less than 1%; write 29%, or 0.29% if that is meant"},
        {"metrics:\n  x: {kind: response, target: .3}\n",
         "cxd.yaml:2: metrics.x.target: .3 is less than 1%; write 30%, or .3% if that is meant"},
        {"metrics:\n  x: {kind: yes, target: high}\n",
         "cxd.yaml:2: metrics.x.target: \"high\" is not a number; write 85%"},
        {"metrics:\n  x: {kind: mean, scale: [1, 5], target: 5.5}\n",
         "cxd.yaml:2: metrics.x.target: 5.5 lies outside 1 to 5, which figures of this metric can have"},
        {"metrics:\n  x: {kind: yes, better: more}\n",
         "cxd.yaml:2: metrics.x.better: \"more\" is none of higher, lower"},
        {"metrics:\n  x: {kind: nps, better: lower}\n",
         "cxd.yaml:2: metrics.x.better: must be higher for the kind nps"},
        {"metrics:\n  x: {kind: yes, min_n: 0}\n",
         "cxd.yaml:2: metrics.x.min_n: 0 lies outside 1 to 1000000"},
        {"metrics:\n  x: {kind: yes, explains: [x]}\n",
         "cxd.yaml:2: metrics.x.explains[1]: a metric cannot explain itself"},
        {"metrics:\n  x: {kind: yes, explains: [csta]}\n  csat: {kind: top2, scale: [1, 5]}\n",
         "cxd.yaml:2: metrics.x.explains[1]: there is no metric \"csta\"; did you mean \"csat\"?"},
        {"metrics:\n  x: {kind: yes, influence: [teamlead]}\n",
         "cxd.yaml:2: metrics.x.influence[1]: there is no role \"teamlead\"; did you mean \"team_lead\"?"},
        {"metrics:\n  x: {kind: yes, influence: [agent, agent]}\n",
         "cxd.yaml:2: metrics.x.influence[2]: \"agent\" is there twice"},
        {FILES "roles: {odd: {sees: [below]}}\nprincipals: {m: {role: odd, scope: agent/ana.ruiz}}\n",
         "cxd.yaml:4: principals.m.scope: the role odd can see nothing of this scope"},
        {"limits: {agents: 1}\n" FILES, "roster.csv:3: agent: more than 1 agents; raise limits.agents"},
        {"limits: {queues: 1}\n" FILES, "queues.csv:3: queue: more than 1 queues; raise limits.queues"},
        {"strict: true\n# \x01\n", "cxd.yaml:2: not well-formed YAML: control characters are not allowed"},
        {"metrics: {1x: {kind: yes}}\n", "cxd.yaml:1: metrics.1x: is not a name; names have 1 to 64 letters, "
                                         "digits, _, - and ., and begin with a letter"},
        {"metrics: [csat]\n", "cxd.yaml:1: metrics: must be a map ({key: value}), not a list"},
        {"sources: {ivr: {}}\n", "cxd.yaml:1: sources.ivr: needs token_sha256, or open: true"},
        {"sources: {ivr: {token_sha256: abc}}\n",
         "cxd.yaml:1: sources.ivr.token_sha256: must be the 64 hexadecimal digits of a SHA-256; \"cxctl "
         "token new\" prints them"},
        {"sources: {ivr: {open: true, token_sha256: " HEX "}}\n",
         "cxd.yaml:1: sources.ivr: is open and has a token, too; keep one of them"},
        {"sources: {ivr: {open: true, queues: []}}\n",
         "cxd.yaml:1: sources.ivr.queues: must name at least one pattern; leave the key out for all"},
        {"sources: {a: {open: true}, b: {open: true}}\n",
         "cxd.yaml:1: sources.b.open: only one source may be open, and \"a\" is"},
        {"sources: {a: {token_sha256: " HEX "}, b: {token_sha256: " HEX "}}\n",
         "cxd.yaml:1: sources.b.token_sha256: is that of the source \"a\", too"},
        {"sources: {a b: {open: true}}\n", "cxd.yaml:1: sources.a b: is not a name; names have 1 to 64 "
                                           "letters, digits, _, - and ., and begin with a letter"},
        {FILES "principals:\n  maria: {}\n",
         "cxd.yaml:4: principals.maria: may see nothing; give it role and scope, grants, or admin: true"},
        {FILES "principals:\n  maria: {role: team_lead}\n",
         "cxd.yaml:4: principals.maria.scope: is missing; a grant needs role and scope"},
        {FILES "principals:\n  maria: {scope: team/alpha}\n",
         "cxd.yaml:4: principals.maria.role: is missing; a grant needs role and scope"},
        {FILES "principals:\n  maria: {role: boss, scope: org}\n",
         "cxd.yaml:4: principals.maria.role: there is no role \"boss\""},
        {FILES "principals:\n  maria: {role: team_lead, scope: team/alhpa}\n",
         "cxd.yaml:4: principals.maria.scope: no row of the roster names the team \"alhpa\"; did you mean "
         "\"alpha\"?"},
        {FILES "principals:\n  maria: {role: queue_owner, scope: line/biling}\n",
         "cxd.yaml:4: principals.maria.scope: no row of the queue table names the line \"biling\"; did you "
         "mean \"billing\"?"},
        {FILES "principals:\n  maria: {role: team_lead, scope: teams/alpha}\n",
         "cxd.yaml:4: principals.maria.scope: \"teams/alpha\" is not a scope; write KIND/NAME, as in "
         "team/alpha, or org"},
        {FILES "principals:\n  maria: {role: team_lead, scope: site/madrid}\n",
         "cxd.yaml:4: principals.maria.scope: the role team_lead is for scopes of the kind team"},
        {FILES "principals:\n  maria: {role: queue_owner, scope: team/alpha}\n",
         "cxd.yaml:4: principals.maria.scope: the role queue_owner can see nothing of this scope"},
        {FILES "principals:\n  maria: {role: team_lead, scope: team/alpha, user: nobody-of-this-name}\n",
         "cxd.yaml:4: principals.maria.user: this system has no user \"nobody-of-this-name\""},
        {FILES "principals:\n  maria: {admin: true, uid: -1}\n",
         "cxd.yaml:4: principals.maria.uid: -1 lies outside 0 to 4294967294"},
        {FILES "principals:\n  maria: {admin: true, user: root, uid: 0}\n",
         "cxd.yaml:4: principals.maria.uid: user says it already; keep one of them"},
        {"principals: {a: {admin: true, uid: 7}, b: {admin: true, uid: 7}}\n",
         "cxd.yaml:1: principals.b.uid: is that of the principal \"a\", too"},
        {"principals: {a: {admin: true, token_sha256: " HEX "}, b: {admin: true, token_sha256: " HEX "}}\n",
         "cxd.yaml:1: principals.b.token_sha256: is that of the principal \"a\", too"},
        {FILES "principals:\n  maria: {role: director, scope: org, grants: []}\n",
         "cxd.yaml:4: principals.maria.role: goes into grants when there are grants"},
        {FILES "principals:\n  maria: {grants: [{role: director}]}\n",
         "cxd.yaml:4: principals.maria.grants[1].scope: is missing"},
        {FILES "principals:\n  maria: {grants: [{role: director, scope: org}, {role: agent, scope: org}]}\n",
         "cxd.yaml:4: principals.maria.grants[2].scope: the role agent is for scopes of the kind agent"},
        {FILES "principals:\n  maria: {grants: director}\n",
         "cxd.yaml:4: principals.maria.grants: must be a list ([a, b]), not a single value"},
        {METRICS "rules:\n  - {name: r1, metric: csta, scopes: agent/*, window: 90d, below: target}\n",
         "cxd.yaml:5: rules.r1.metric: there is no metric \"csta\"; did you mean \"csat\"?"},
        {METRICS "rules:\n  - {name: r1, scopes: agent/*, window: 90d, below: target}\n",
         "cxd.yaml:5: rules.r1.metric: is missing"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 91d, below: target}\n",
         "cxd.yaml:5: rules.r1.window: \"91d\" is not one of windows: 1h, today, 7d, 28d, 90d"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, below: target}\n",
         "cxd.yaml:5: rules.r1.window: is missing"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agents/*, window: 90d, below: target}\n",
         "cxd.yaml:5: rules.r1.scopes: \"agents/*\" is not a scope; write agent/*, queue/billing-* or org, "
         "with one of agent, team, site, region, queue, line"},
        {FILES METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: team/alhpa, window: 90d, below: target}\n",
         "cxd.yaml:7: rules.r1.scopes: no row of the roster names the team \"alhpa\"; did you mean "
         "\"alpha\"?"},
        {METRICS "rules:\n  - {name: r1, metric: csat, window: 90d, below: target}\n",
         "cxd.yaml:5: rules.r1.scopes: is missing"},
        {METRICS "rules:\n  - {metric: csat, scopes: agent/*, window: 90d, below: target}\n",
         "cxd.yaml:5: rules[1].name: is missing"},
        {METRICS "rules:\n  - {name: two words, metric: csat, scopes: agent/*, window: 90d, below: target}\n",
         "cxd.yaml:5: rules[1].name: \"two words\" is not a name; names have 1 to 64 letters, digits, _, - "
         "and ., and begin with a letter"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d}\n",
         "cxd.yaml:5: rules.r1.below: is missing; a rule needs below or above"},
        {METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, above: target}\n",
         "cxd.yaml:5: rules.r1.above: a rule has below or above, not both"},
        {METRICS "rules:\n  - {name: r1, metric: fcr, scopes: agent/*, window: 90d, above: target}\n",
         "cxd.yaml:5: rules.r1.above: the metric fcr has no target; give it one, or write a number here"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: 0.75}\n",
         "cxd.yaml:5: rules.r1.below: 0.75 is less than 1%; write 75%, or 0.75% if that is meant"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: 110%}\n",
         "cxd.yaml:5: rules.r1.below: 110% lies outside 0 to 100, which figures of this metric can have"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: 0%}\n",
         "cxd.yaml:5: rules.r1.below: the evidence test needs a threshold between 0 and 100, not at an end"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: 100%}\n",
         "cxd.yaml:5: rules.r1.below: the evidence test needs a threshold between 0 and 100, not at an end"},
        {METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: 0, test: point}\n",
         "cxd.yaml:5: rules.r1.below: no figure can lie past 0"},
        {METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 1h, test: point, above: 100%}\n",
         "cxd.yaml:5: rules.r1.above: no figure can lie past 100"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 1h, below: target}\n",
         "cxd.yaml:5: rules.r1.window: the evidence test needs whole days, at least 7d; 1h suits the tests "
         "interval and point"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: today, below: target}\n",
         "cxd.yaml:5: rules.r1.window: the evidence test needs whole days, at least 7d; today suits the "
         "tests interval and point"},
        {METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, min_n: 40}\n",
         "cxd.yaml:5: rules.r1.min_n: the evidence test weighs how many answers there are; leave it out, or "
         "take the test interval or point"},
        {METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, test: guess}\n",
         "cxd.yaml:5: rules.r1.test: \"guess\" is none of evidence, interval, point"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, "
                 "severity: fatal}\n",
         "cxd.yaml:5: rules.r1.severity: \"fatal\" is none of info, warning, critical"},
        {METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, for: 1y}\n",
         "cxd.yaml:5: rules.r1.for: 1y lies outside 0s to 90d"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, "
                 "false_alarms: rarely}\n",
         "cxd.yaml:5: rules.r1.false_alarms: \"rarely\" must be a number and a time, as in 1 per 90d"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, "
                 "false_alarms: 0 per 90d}\n",
         "cxd.yaml:5: rules.r1.false_alarms: \"0 per 90d\": the number must be above 0, and the time 1d to "
         "10y"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, "
                 "false_alarms: 1 per 1h}\n",
         "cxd.yaml:5: rules.r1.false_alarms: \"1 per 1h\": the number must be above 0, and the time 1d to "
         "10y"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, test: "
                 "point, false_alarms: 1 per 90d}\n",
         "cxd.yaml:5: rules.r1.false_alarms: only the evidence test has one; leave it out, or leave test "
         "out"},
        {METRICS
         "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, min_n: 0}\n",
         "cxd.yaml:5: rules.r1.min_n: 0 lies outside 1 to 1000000"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, advice: "
                 "{teamlead: x}}\n",
         "cxd.yaml:5: rules.r1.advice.teamlead: there is no role \"teamlead\"; did you mean \"team_lead\"?"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, advice: "
                 "{team_lead: \"\"}}\n",
         "cxd.yaml:5: rules.r1.advice.team_lead: has 0 bytes; advice has 1 to 300"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target, advice: "
                 "listen}\n",
         "cxd.yaml:5: rules.r1.advice: must be a map ({key: value}), not a single value"},
        {METRICS "rules:\n  - {name: r1, metric: csat, scopes: agent/*, window: 90d, below: target}\n  - "
                 "{name: r1, metric: fcr, scopes: org, window: 7d, below: 50%}\n",
         "cxd.yaml:6: rules.r1.name: another rule has this name, too"},
        {"rules: {a: 1}\n", "cxd.yaml:1: rules: must be a list ([a, b]), not a map"},
        {"rules: [a]\n", "cxd.yaml:1: rules[1]: must be a map ({key: value}), not a single value"},
};

static void expect(const char *yaml, const char *expected)
{
        const char *message = "it was loaded";
        Config *c = config_case_load(yaml, &message);

        config_free(c);
        ck_assert_msg(strcmp(message, expected) == 0, "%s\nexpected: %s\ngot:      %s", yaml, expected,
                      message);
}

START_TEST(each_fault_has_its_sentence)
{
        ck_assert_uint_ge(CX_ARRAY_LEN(cases), 80);
        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++)
                expect(cases[i].yaml, cases[i].message);
}
END_TEST

START_TEST(what_is_too_long_or_too_many_is_refused)
{
        Buffer b = BUFFER_NULL;

        buffer_append_str(&b, "listen: {lines: [unix:///");
        for (unsigned i = 0; i < 107; i++)
                buffer_append_char(&b, 'd');
        buffer_append_str(&b, "]}");
        expect(buffer_str(&b),
               "cxd.yaml:1: listen.lines[1]: the path has 108 bytes; sockets take at most 107");

        buffer_reset(&b);
        buffer_append_str(&b, "listen: {lines: [tcp://127.0.0.1:1");
        for (unsigned port = 2; port <= 17; port++)
                buffer_append_format(&b, ", tcp://127.0.0.1:%u", port);
        buffer_append_str(&b, "]}");
        expect(buffer_str(&b), "cxd.yaml:1: listen.lines: has 17 entries; 16 is the limit");

        buffer_reset(&b);
        buffer_append_str(&b, "metrics: {m: {kind: yes}");
        for (unsigned i = 1; i <= 64; i++)
                buffer_append_format(&b, ", m%u: {kind: yes}", i);
        buffer_append_str(&b, "}");
        expect(buffer_str(&b), "cxd.yaml:1: metrics: has 65 entries; 64 is the limit");

        buffer_reset(&b);
        buffer_append_str(&b, "roles: {agent: {}, planner: {}");
        for (unsigned i = 1; i <= 65; i++)
                buffer_append_format(&b, ", r%u: {}", i);
        buffer_append_str(&b, "}");
        expect(buffer_str(&b), "cxd.yaml:1: roles: has 65 entries that are not built in; 64 is the limit");

        buffer_reset(&b);
        buffer_append_str(&b, METRICS
                          "rules:\n  - {name: r1, metric: csat, scopes: org, window: 90d, below: target, "
                          "advice: {planner: ");
        for (unsigned i = 0; i < 301; i++)
                buffer_append_char(&b, 'x');
        buffer_append_str(&b, "}}");
        expect(buffer_str(&b), "cxd.yaml:5: rules.r1.advice.planner: has 301 bytes; advice has 1 to 300");
        buffer_deinit(&b);
}
END_TEST

CHECK_MAIN("config_errors", each_fault_has_its_sentence, what_is_too_long_or_too_many_is_refused)
