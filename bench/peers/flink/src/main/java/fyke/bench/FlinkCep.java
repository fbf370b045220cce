package fyke.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.cep.nfa.compiler.NFACompiler;
import org.apache.flink.cep.operator.CepOperator;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.Collector;

/** Flink's own CEP operator in Flink's own harness, heap state: no network, no source, no sink. */
public final class FlinkCep extends Driver {
    private static final int WATERMARK_EVERY = 1000;

    private final List<KeyedOneInputStreamOperatorTestHarness<String, Row, Row>> rules = new ArrayList<>();
    private boolean byCard;
    private long seen, newest;

    private static final class Last extends PatternProcessFunction<Row, Row> {
        @Override public void processMatch(Map<String, List<Row>> m, Context c, Collector<Row> out) {
            out.collect(m.get("last").get(0));
        }
    }

    @Override protected void open(String query) throws Exception {
        byCard = query.equals("q3");
        seen = 0;
        newest = Long.MIN_VALUE;
        if (query.startsWith("q5:")) {
            for (int i = 0; i < Integer.parseInt(query.substring(3)); i++) {
                rules.add(rule("q5:" + i));
            }
        } else {
            rules.add(rule(query));
        }
    }

    private KeyedOneInputStreamOperatorTestHarness<String, Row, Row> rule(String query) throws Exception {
        Pattern<Row, ?> pattern = FlinkQueries.of(query);
        CepOperator<Row, String, Row> operator = new CepOperator<>(
            TypeInformation.of(Row.class).createSerializer(new SerializerConfigImpl()), false,
            NFACompiler.compileFactory(pattern, false), null, pattern.getAfterMatchSkipStrategy(),
            new Last(), null);
        KeySelector<Row, String> key = byCard ? r -> r.card : r -> r.user;
        KeyedOneInputStreamOperatorTestHarness<String, Row, Row> h =
            new KeyedOneInputStreamOperatorTestHarness<>(operator, key, Types.STRING);
        h.open();
        return h;
    }

    @Override protected void event(Row row) throws Exception {
        if (byCard && !row.paid()) {
            return; /* the job would filter before keyBy */
        }
        newest = Math.max(newest, row.at);
        for (KeyedOneInputStreamOperatorTestHarness<String, Row, Row> h : rules) {
            h.processElement(new StreamRecord<>(row, row.at));
        }
        if (++seen % WATERMARK_EVERY == 0) {
            watermark(newest - 1);
        }
    }

    private void watermark(long at) throws Exception {
        for (KeyedOneInputStreamOperatorTestHarness<String, Row, Row> h : rules) {
            h.processWatermark(new Watermark(at));
            for (Object o : h.getOutput()) {
                matches += o instanceof StreamRecord ? 1 : 0;
            }
            h.getOutput().clear();
        }
    }

    @Override protected void finish() throws Exception {
        watermark(newest);
    }

    @Override protected void close() throws Exception {
        for (KeyedOneInputStreamOperatorTestHarness<String, Row, Row> h : rules) {
            h.close();
        }
        rules.clear();
    }

    public static void main(String[] args) throws Exception {
        new FlinkCep().serve(args);
    }
}
