# Disputes, for merchants.

dispute-opened =
    .title = A customer disputes { $amount }: evidence is needed
    .text =
        A customer disputes { $amount } of order { $order } with the bank.

        Please hand in your evidence by { $evidence_due_at }. Without it the dispute is likely to be decided against you. Do not refund the disputed money: it would go back twice.
    .alternative = Order { $order }: { $amount } is disputed. Please hand in your evidence by { $evidence_due_at }, and do not refund the disputed money.

dispute-opened-no-response =
    .title = A customer disputes { $amount }
    .text =
        A customer disputes { $amount } of order { $order } with the bank.

        This kind of dispute cannot be answered. Do not refund the disputed money: it would go back twice.
    .alternative = Order { $order }: { $amount } is disputed. This kind of dispute cannot be answered. Do not refund the disputed money.

dispute-deadline-near =
    .title = Evidence for a dispute of { $amount } is due soon
    .text =
        Evidence for the dispute of { $amount } on order { $order } is due by { $evidence_due_at }: { $hours_left ->
            [one] { $hours_left } hour is left.
           *[other] { $hours_left } hours are left.
        }

        What you have not handed in by then is not considered.
    .alternative = Order { $order }: evidence for the dispute of { $amount } is due by { $evidence_due_at }. { $hours_left ->
            [one] { $hours_left } hour is left.
           *[other] { $hours_left } hours are left.
        }

dispute-escalated =
    .title = A dispute of { $amount } was escalated
    .text =
        The dispute of { $amount } on order { $order } was handed to the next level.

        Please see to it now.
    .alternative = Order { $order }: the dispute of { $amount } was handed to the next level. Please see to it now.

dispute-won =
    .title = A dispute was decided for you
    .text =
        The dispute on order { $order } was decided for you.

        { $amount } comes back to you.
    .alternative = Order { $order }: the dispute was decided for you. { $amount } comes back to you.

dispute-lost =
    .title = A dispute was decided for the customer
    .text =
        The dispute on order { $order } was decided for the customer.

        { $amount } stays with the customer.
    .alternative = Order { $order }: the dispute was decided for the customer. { $amount } stays with the customer.
