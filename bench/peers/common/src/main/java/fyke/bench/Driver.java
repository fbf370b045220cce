package fyke.bench;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;

/**
 * One engine with one query, which repeats its work whenever it is told to: the virtual machine stays warm
 * while others take their turn. {@code bench/compare} reads the CPU time of the whole process around each
 * turn, garbage collector and compiler threads included.
 *
 * <pre>DRIVER QUERY FILE EVENTS (parsed|json)</pre>
 * Standard input: {@code run SECONDS} a line. Answer: {@code done EVENTS MATCHES}, EVENTS less than were asked
 * for when the time was over.
 */
public abstract class Driver {
    /** A new instance of the query; what it finds is counted in {@link #matches}. */
    protected abstract void open(String query) throws Exception;
    protected abstract void event(Row row) throws Exception;
    protected abstract void finish() throws Exception;
    protected abstract void close() throws Exception;

    protected long matches;

    private final Json json = new Json();
    private Lines lines;
    private Row[] rows;

    protected void serve(String[] args) throws Exception {
        lines = new Lines(Path.of(args[1]), Integer.parseInt(args[2]));
        if (args[3].equals("parsed")) {
            rows = new Row[lines.n];
            for (int i = 0; i < lines.n; i++) {
                rows[i] = json.parse(lines.bytes, lines.from(i), lines.length(i));
            }
        }
        System.out.println("ready " + lines.n);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            long end = System.nanoTime() + (long) (Double.parseDouble(line.substring(4)) * 1e9);
            matches = 0;
            open(args[0]);
            int events = run(end);
            close();
            System.out.println("done " + events + " " + matches);
        }
    }

    private int run(long end) throws Exception {
        for (int i = 0; i < lines.n; i++) {
            if ((i & 255) == 0 && System.nanoTime() > end) {
                return i;
            }
            event(rows != null ? rows[i] : json.parse(lines.bytes, lines.from(i), lines.length(i)));
        }
        finish();
        return lines.n;
    }
}
