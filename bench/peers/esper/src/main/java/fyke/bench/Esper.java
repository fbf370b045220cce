package fyke.bench;

import com.espertech.esper.common.client.EPCompiled;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPEventService;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import com.espertech.esper.runtime.client.EPStatement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Esper's runtime with an external clock and one thread. A query is q1 … q5 (EPL patterns) or q1mr, q2mr
 * (match_recognize). What was compiled is kept: only the runtime is made anew for each turn.
 */
public final class Esper extends Driver {
    private final Map<String, EPCompiled> compiled = new HashMap<>();
    private final Configuration configuration = new Configuration();
    private EPRuntime runtime;
    private EPEventService events;
    private int turn;

    private Esper() {
        configuration.getCommon().addEventType("Login", Row.class);
        configuration.getCommon().addEventType("Payment", Row.class);
        configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
    }

    private static final String Q1 =
        "select ok.ts from pattern @SuppressOverlappingMatches [every f1=Login(result=1)"
        + " -> (((f2=Login(result=1, user=f1.user) -> f3=Login(result=1, user=f1.user))"
        + " where timer:within(%d sec))"
        + " -> ok=Login(result=2, user=f1.user, country!=f1.country)) where timer:within(%d sec)]";

    private static final String Q1_RECOGNIZE =
        "select * from Login match_recognize (partition by user measures ok.ts as t"
        + " after match skip past last row pattern (f1 x1*? f2 x2*? f3 x3*? ok) define"
        + " f1 as f1.result=1, f2 as f2.result=1 and f2.ts - f1.ts <= %1$d000L,"
        + " f3 as f3.result=1 and f3.ts - f1.ts <= %1$d000L,"
        + " x1 as x1.ts - f1.ts <= %1$d000L, x2 as x2.ts - f1.ts <= %1$d000L,"
        + " x3 as x3.ts - f1.ts <= %2$d000L,"
        + " ok as ok.result=2 and ok.country != f1.country and ok.ts - f1.ts <= %2$d000L)";

    private static final String Q2 =
        "select c.ts from pattern @SuppressOverlappingMatches [every a=Login(result=1)"
        + " -> (b=Login(result=2, user=a.user, device=a.device)"
        + " -> c=Payment(amount>200, user=a.user, device=a.device)) where timer:within(%d sec)]";

    private static final String Q2_RECOGNIZE =
        "select * from Row match_recognize (partition by user measures c.ts as t"
        + " after match skip past last row pattern (a x1*? b x2*? c) define"
        + " a as a.type=1 and a.result=1,"
        + " x1 as x1.ts - a.ts <= %1$d000L, x2 as x2.ts - a.ts <= %1$d000L,"
        + " b as b.type=1 and b.result=2 and b.device=a.device and b.ts - a.ts <= %1$d000L,"
        + " c as c.type=2 and c.amount>200 and c.device=a.device and c.ts - a.ts <= %1$d000L)";

    private static final String Q3 =
        "select p.ts from pattern [every p=Payment(status=1)"
        + " -> (timer:interval(10 min) and not Payment(status=2, card=p.card))]";

    private static final String Q4 =
        "select c.ts from pattern @SuppressOverlappingMatches [every a=Payment"
        + " -> (every b=Payment(user=a.user, amount>=10*a.amount)"
        + " -> c=Payment(user=a.user, amount>=10*b.amount)) where timer:within(1 hour)]";

    private static List<String> texts(String query) {
        String[] part = query.split(":");
        List<String> all = new ArrayList<>();
        switch (part[0]) {
            case "q1": all.add(String.format(Q1, 300, 900)); break;
            case "q1mr": all.add(String.format(Q1_RECOGNIZE, 300, 900)); break;
            case "q2": all.add(String.format(Q2, part.length > 1 ? Long.parseLong(part[1]) : 600)); break;
            case "q2mr":
                all.add(String.format(Q2_RECOGNIZE, part.length > 1 ? Long.parseLong(part[1]) : 600));
                break;
            case "q3": all.add(Q3); break;
            case "q4": all.add(Q4); break;
            case "q5":
                for (int i = 0; i < Integer.parseInt(part[1]); i++) {
                    all.add(String.format(Q1, Spans.burst(i), Spans.total(i)));
                }
                break;
            default: throw new IllegalArgumentException(query);
        }
        return all;
    }

    @Override protected void open(String query) throws Exception {
        if (query.startsWith("q2mr")) {
            configuration.getCommon().addEventType("Row", Row.class);
        }
        bothKinds = query.startsWith("q2mr");
        runtime = EPRuntimeProvider.getRuntime("turn" + turn++, configuration);
        runtime.initialize();
        events = runtime.getEventService();
        events.clockExternal();
        for (String epl : texts(query)) {
            EPCompiled unit = compiled.get(epl);
            if (unit == null) {
                unit = EPCompilerProvider.getCompiler().compile(epl, new CompilerArguments(configuration));
                compiled.put(epl, unit);
            }
            for (EPStatement s : runtime.getDeploymentService().deploy(unit).getStatements()) {
                s.addListener((found, gone, statement, r) -> matches += found.length);
            }
        }
    }

    private boolean bothKinds;
    private long now;

    @Override protected void event(Row row) {
        if (row.at > now) {
            now = row.at;
            events.advanceTime(now);
        }
        events.sendEventBean(row, bothKinds ? "Row" : row.type == Row.LOGIN ? "Login" : "Payment");
    }

    @Override protected void finish() {
        /* Matches that time alone completes after the last event are nobody's: fyke's are left out too. */
    }

    @Override protected void close() {
        runtime.destroy();
        now = 0;
    }

    public static void main(String[] args) throws Exception {
        new Esper().serve(args);
    }
}
