package fyke.bench;

/** One record of the workload. Public fields and a default constructor: what every engine takes. */
public class Row {
    public static final int LOGIN = 1, PAYMENT = 2;
    public static final int FAILURE = 1, SUCCESS = 2;
    public static final int PENDING = 1, APPROVED = 2, DECLINED = 3;

    public long at;
    public int type, result, status;
    public String user, country, device, card;
    public double amount;

    /** `at` is a word of EPL. */
    public long getTs() { return at; }
    public int getType() { return type; }
    public int getResult() { return result; }
    public int getStatus() { return status; }
    public String getUser() { return user; }
    public String getCountry() { return country; }
    public String getDevice() { return device; }
    public String getCard() { return card; }
    public double getAmount() { return amount; }

    public boolean failed() { return type == LOGIN && result == FAILURE; }
    public boolean succeeded() { return type == LOGIN && result == SUCCESS; }
    public boolean paid() { return type == PAYMENT; }
    public boolean is(int wanted) { return type == PAYMENT && status == wanted; }
}
