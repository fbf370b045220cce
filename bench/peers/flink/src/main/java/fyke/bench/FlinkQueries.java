package fyke.bench;

import java.time.Duration;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;

/** The queries as a user of Flink CEP writes them. */
final class FlinkQueries {
    private FlinkQueries() { }

    /** q5:I is the Ith of the near-equal rules. */
    static Pattern<Row, ?> of(String query) {
        String[] part = query.split(":");
        switch (part[0]) {
            case "q1": return q1(300_000, 900);
            case "q2": return q2(Duration.ofSeconds(part.length > 1 ? Long.parseLong(part[1]) : 600));
            case "q3": return q3();
            case "q4": return q4();
            case "q5": return q1(1000 * Spans.burst(Integer.parseInt(part[1])),
                                 Spans.total(Integer.parseInt(part[1])));
            default: throw new IllegalArgumentException(query);
        }
    }

    interface Test extends java.io.Serializable { boolean on(Row r); }
    interface Against extends java.io.Serializable { boolean on(Row r, Row first); }

    private static SimpleCondition<Row> when(Test t) {
        return new SimpleCondition<Row>() {
            @Override public boolean filter(Row r) { return t.on(r); }
        };
    }

    private static IterativeCondition<Row> against(String name, Against t) {
        return new IterativeCondition<Row>() {
            @Override public boolean filter(Row r, Context<Row> c) throws Exception {
                for (Row first : c.getEventsForPattern(name)) {
                    return t.on(r, first);
                }
                return false;
            }
        };
    }

    private static Pattern<Row, Row> begin(Test t) {
        return Pattern.<Row>begin("a", AfterMatchSkipStrategy.skipPastLastEvent()).where(when(t));
    }

    static Pattern<Row, ?> q1(long burstMs, long totalS) {
        return begin(Row::failed)
            .followedBy("b").where(when(Row::failed))
            .followedBy("c").where(against("a", (r, a) -> r.failed() && r.at - a.at <= burstMs))
            .followedBy("last").where(against("a", (r, a) -> r.succeeded() && !r.country.equals(a.country)))
            .within(Duration.ofSeconds(totalS));
    }

    static Pattern<Row, ?> q2(Duration window) {
        return begin(Row::failed)
            .followedBy("b").where(against("a", (r, a) -> r.succeeded() && r.device.equals(a.device)))
            .followedBy("last").where(against("a", (r, a) -> r.paid() && r.amount > 200
                                                           && r.device.equals(a.device)))
            .within(window);
    }

    /** By card; the absence at the end is reported with the event that began it. */
    static Pattern<Row, ?> q3() {
        return Pattern.<Row>begin("last", AfterMatchSkipStrategy.noSkip()).where(when(r -> r.is(Row.PENDING)))
            .notFollowedBy("n").where(when(r -> r.is(Row.APPROVED)))
            .within(Duration.ofMinutes(10));
    }

    static Pattern<Row, ?> q4() {
        return begin(Row::paid)
            .followedByAny("b").where(against("a", (r, a) -> r.paid() && r.amount >= 10 * a.amount))
            .followedByAny("last").where(against("b", (r, b) -> r.paid() && r.amount >= 10 * b.amount))
            .within(Duration.ofHours(1));
    }
}
